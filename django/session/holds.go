package session

import (
	"maps"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/django/pickle"
)

// Holds returns nil if data from another engine come back as they are there from
// what Encode writes of them. Otherwise the error matches
// cloakroom.ErrUnencodable.
//
// Where JSON was asked for, what Horizon keeps may become what Horizon's own
// serializer makes of it, and knows again.
func (c Codec) Holds(data map[string]any) error {
	if c.serializer != JSON { // and what JSON has not is pickled: see Adopt
		return nil
	}
	rest := data
	if isHorizonToken(data["token"]) {
		rest = maps.Clone(data)
		maps.DeleteFunc(rest, func(name string, v any) bool { return name == "token" || isTranslation(v) })
	}
	return HoldsJSON(rest)
}

// HoldsJSON returns nil if data come back as they are from JSON.
func HoldsJSON(data map[string]any) error {
	if isJSONEnough(data) {
		return nil
	}
	return &cloakroom.Error{
		Engine: "session", Op: "encode", Kind: cloakroom.ErrUnencodable,
		Reason: "it has something that JSON has not, such as a tuple, bytes, a date or a Python object",
		Mend:   "keep sessions as pickles, where Django can, or have these people log in again",
	}
}

// isHorizonToken reports whether v is the object that Horizon keeps for a user,
// with all that Horizon knows it by in JSON.
func isHorizonToken(v any) bool {
	if class(v) != "openstack_auth.user.Token" {
		return false
	}
	attributes, _ := v.(pickle.Raw).Plain().(map[string]any)
	for _, name := range []string{"user", "id", "project", "domain", "roles", "serviceCatalog", "expires"} {
		if _, ok := attributes[name]; !ok {
			return false
		}
	}
	user, _ := attributes["user"].(map[string]any)
	_, ok := user["password_expires_at"]
	return ok
}

// isTranslation reports whether v is a text that Django translates when it is
// shown.
func isTranslation(v any) bool {
	return class(v) == "django.utils.functional._lazy_proxy_unpickle"
}

// class is the name of the class of an object of Python's, or of the function
// that makes it.
func class(v any) string {
	if _, ok := v.(pickle.Raw); !ok {
		return ""
	}
	tagged, err := pickle.TagValue(v)
	if err != nil {
		return ""
	}
	tag, _ := tagged.(map[string]any)
	object, _ := tag["$object"].(map[string]any)
	name, _ := object["class"].(string)
	return name
}
