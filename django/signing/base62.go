package signing

import (
	"bytes"
	"math"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// appendBase62 writes n, which is not negative, as Django writes a timestamp.
func appendBase62(dst []byte, n int64) []byte {
	var digits [11]byte
	i := len(digits)
	for {
		i--
		digits[i] = base62[n%62]
		if n /= 62; n == 0 {
			return append(dst, digits[i:]...)
		}
	}
}

func parseBase62(text []byte) (int64, bool) {
	var n int64
	for _, c := range text {
		digit := bytes.IndexByte([]byte(base62), c)
		if digit < 0 || n > (math.MaxInt64-61)/62 {
			return 0, false
		}
		n = n*62 + int64(digit)
	}
	return n, len(text) > 0
}
