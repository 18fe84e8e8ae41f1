package integrity

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
)

var browser = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * (writers + atOnce)}}

// login returns the cookie of somebody who is signed in.
func (s system) login(t *testing.T) *http.Cookie {
	t.Helper()
	response, err := browser.Get(s.url + "/login")
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	if err != nil || response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		t.Errorf("%s on %s: nobody can log in: %v, %v", s.library, s.engine, response, err)
		return &http.Cookie{Name: "none"}
	}
	return response.Cookies()[0]
}

// read is what the session has under a name.
func (s system) read(t *testing.T, ticket *http.Cookie, name string) int {
	t.Helper()
	status, text := s.get(t, ticket, "/read?name=%s", name)
	n, err := strconv.Atoi(text)
	if status != http.StatusOK || err != nil {
		t.Errorf("%s on %s: a session cannot be read: %d %s", s.library, s.engine, status, text)
	}
	return n
}

func (s system) get(t *testing.T, ticket *http.Cookie, page string, args ...any) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+fmt.Sprintf(page, args...), nil)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	request.AddCookie(&http.Cookie{Name: ticket.Name, Value: ticket.Value})
	response, err := browser.Do(request)
	if err != nil {
		t.Errorf("%s on %s: %v", s.library, s.engine, err)
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s on %s: %v", s.library, s.engine, err)
	}
	return response.StatusCode, string(body)
}
