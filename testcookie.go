package cloakroom

// Django's names: a session begun by either side passes the other's test.
const (
	testCookieName  = "testcookie"
	testCookieValue = "worked"
)

// SetTestCookie leaves a mark that a later request finds only if the browser
// accepts cookies.
func (s *Session) SetTestCookie() { s.Set(testCookieName, testCookieValue) }

// TestCookieWorked reports whether the mark came back.
func (s *Session) TestCookieWorked() bool {
	v, _ := Get[string](s, testCookieName)
	return v == testCookieValue
}

// DeleteTestCookie removes the mark.
func (s *Session) DeleteTestCookie() { s.Delete(testCookieName) }
