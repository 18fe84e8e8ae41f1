package dashboard

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mileusna/useragent"

	"github.com/cloakroom-go/cloakroom"
)

// deviceName is where the Dashboard keeps what it knows of a session.
const deviceName = "_cloakroom_device"

const (
	maxAgent = 300             // bytes of a user agent that are kept
	seenStep = 5 * time.Minute // how exactly the last use is known: each step costs a save
	// confirmedFor is how long after entering the password somebody need not
	// enter it again.
	confirmedFor = 10 * time.Minute
)

// device is what the Dashboard knows of a session: where it is used, in Unix
// seconds since when, and when the password was last entered.
type device struct {
	Agent     string `json:"agent"`
	Address   string `json:"address"`
	SignedIn  int64  `json:"signed_in,omitempty"`
	Seen      int64  `json:"seen"`
	Confirmed int64  `json:"confirmed,omitempty"`
}

// recognise reads what is known of the visit's session, and notes its use.
func (v *visit) recognise() {
	v.device, _ = cloakroom.Get[device](v.session, deviceName)
	if now := time.Now(); now.Sub(time.Unix(v.device.Seen, 0)) > seenStep {
		v.device.Seen = now.Unix()
		if v.device.Agent == "" { // signed in elsewhere, in Django
			v.device.Agent, v.device.Address = agentOf(v.r), v.address(v.r)
		}
		v.session.Set(deviceName, v.device)
	}
}

// signedInHere begins the record of a session at login.
func (v *visit) signedInHere() {
	now := time.Now().Unix()
	v.device = device{Agent: agentOf(v.r), Address: v.address(v.r), SignedIn: now, Seen: now, Confirmed: now}
	v.session.Set(deviceName, v.device)
}

// confirm notes that the password was just entered. What may be done under the
// session's key is more from now on, so nobody else may have known it before.
func (v *visit) confirm() {
	v.session.CycleKey()
	v.device.Confirmed = time.Now().Unix()
	v.session.Set(deviceName, v.device)
}

func (v *visit) recentlyConfirmed() bool {
	return time.Since(time.Unix(v.device.Confirmed, 0)) < confirmedFor
}

// deviceOf reads a device out of a record. Somebody else may have written it.
func deviceOf(data map[string]any) device {
	m, _ := cloakroom.Plain(data[deviceName]).(map[string]any)
	text := func(name string) string { s, _ := cloakroom.Plain(m[name]).(string); return s }
	number := func(name string) int64 { n, _ := cloakroom.Plain(m[name]).(int64); return n }
	return device{
		Agent: text("agent"), Address: text("address"),
		SignedIn: number("signed_in"), Seen: number("seen"),
	}
}

// String names the browser and the system.
func (d device) String() string {
	if d.Agent == "" {
		return "Unknown device"
	}
	ua := useragent.Parse(d.Agent)
	switch {
	case ua.Name == "" && ua.OS == "":
		return "Unknown browser"
	case ua.OS == "":
		return ua.Name
	case ua.Name == "":
		return ua.OS
	default:
		return ua.Name + " on " + ua.OS
	}
}

// Kind is the icon to show: "phone", "tablet", "desktop" or "unknown".
func (d device) Kind() string {
	switch ua := useragent.Parse(d.Agent); {
	case ua.Tablet:
		return "tablet"
	case ua.Mobile:
		return "phone"
	case ua.Desktop:
		return "desktop"
	default:
		return "unknown"
	}
}

func (d device) SignedInAt() time.Time { return unix(d.SignedIn) }
func (d device) SeenAt() time.Time     { return unix(d.Seen) }

func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func agentOf(r *http.Request) string {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) > maxAgent {
		agent = agent[:maxAgent]
		for !utf8.ValidString(agent) {
			agent = agent[:len(agent)-1]
		}
	}
	return agent
}

// address is where a request comes from: the nearest hop that is no trusted
// proxy. What stands before that hop in X-Forwarded-For anybody could have
// written.
func (d *Dashboard) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(d.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) }) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = next.Unmap().WithZone("")
	}
	return address.String()
}
