package session

// Append appends data to dst in the bytes of its serializer, unsigned: for an
// engine that protects them in another way. Form and error are as for
// [Codec.Encode].
func (c Codec) Append(dst []byte, data map[string]any, form Form) ([]byte, error) {
	return form.in(c.serializer).appendTo(dst, data)
}

// Parse reads what Append wrote, and keeps nothing of payload.
func (c Codec) Parse(payload []byte) (Decoded, error) {
	data, form, err := parse(payload)
	return Decoded{Data: data, Form: form}, err
}
