package settings_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom-go/cloakroom/django/settings"
)

func TestItemsShowNoSecret(t *testing.T) {
	t.Parallel()
	s := load(t, write(t, "settings.py", `
SESSION_ENGINE = 'django.contrib.sessions.backends.cached_db'
SESSION_COOKIE_NAME = 'site-HIDDEN0'
SECRET_KEY = 'HIDDEN0'
SECRET_KEY_FALLBACKS = ['HIDDEN1', 'HIDDEN2']
CACHES = {
    'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': [
        'redis://:HIDDEN3@h:6379/1', 'redis://user:HIDDEN4@more@h2:6379/1', 'redis://h3:6379?db=1&password=HIDDEN5',
        'user:HIDDEN6@h4:6379', '/run/redis.sock?password=HIDDEN7', 'redis://shown1:6379/0'],
        'KEY_PREFIX': 'shown2',
        'OPTIONS': {'PASSWORD': 'HIDDEN8', 'CONNECTION_POOL_KWARGS': {'Password': 'HIDDEN9', 'max': 7},
            'CLIENT_CLASS': 'django_redis.client.shown3', 'username': 'shown4', 'db_pwd': 'HIDDEN10',
            'sentinels': [{'password': 'HIDDEN11'}, ('h', 5)], 'secret': ['HIDDEN12'], 'key': 'HIDDEN13', 'api-key': 123456,
            'again': 'HIDDEN8 too', 'dsn': "host=x passwd=HIDDEN14", 'url': 'unix://u:HIDDEN15@/sock'}},
    'tokens': {'BACKEND': 'a.shown5'},
}
DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'shown6', 'USER': 'shown7', 'PASSWORD': 'HIDDEN16',
    'HOST': 'shown8', 'OPTIONS': {'passwd': 'HIDDEN17', 'ssl': {'ca': '/shown9.pem'}, 'password=HIDDEN21': 1, 'redis://u:HIDDEN22@h': 2, 'init_command': "SET PASSWORD = 'HIDDEN18'"}}}
`))
	text, err := json.Marshal(s.Items())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "HIDDEN") || strings.Contains(string(text), "123456") {
		t.Errorf("a secret is shown: %s", text)
	}
	for _, shown := range []string{"shown1", "shown2", "shown3", "shown4", "shown5", "shown6", "shown7", "shown8", "shown9"} {
		if !strings.Contains(string(text), shown) {
			t.Errorf("%s is not shown: %s", shown, text)
		}
	}
	s = settings.FromURLs("mysql://u:HIDDEN19@h/db", "redis://:HIDDEN20@h")
	if text, _ = json.Marshal(s.Items()); strings.Contains(string(text), "HIDDEN") {
		t.Errorf("a secret is shown: %s", text)
	}
}

// The name of an option is no secret, unless it is one that is known.
func TestItemsShowNames(t *testing.T) {
	t.Parallel()
	s := load(t, write(t, "settings.py", `
SECRET_KEY = 'HIDDEN'
DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'dash', 'USER': 'dash', 'PASSWORD': 'secret1',
    'OPTIONS': {'passwd': 'secret2', 'password': 'secret3', 'auth_plugin': None, 'HIDDEN': 1}}}
`))
	for _, item := range s.Items() {
		if item.Name != "DATABASES" {
			continue
		}
		want := map[string]any{"default": map[string]any{
			"ENGINE": "django.db.backends.mysql", "NAME": "dash", "USER": "dash", "PASSWORD": "********",
			"HOST": "", "PORT": "", "TIME_ZONE": nil,
			"OPTIONS": map[string]any{"passwd": "********", "password": "********", "auth_plugin": nil, "********": int64(1)},
		}}
		if diff := cmp.Diff(want, item.Value); diff != "" {
			t.Error(diff)
		}
	}
}

func TestItemsInOrder(t *testing.T) {
	t.Parallel()
	s := load(t, write(t, "local_settings.py", "SESSION_TIMEOUT = 90\nCACHES = {'default': {'BACKEND': 'a.B', 'TIMEOUT': None}, 'x': {}}"))
	var names []string
	values := map[string]any{}
	for _, item := range s.Items() {
		names = append(names, item.Name)
		values[item.Name] = item.Value
	}
	if names[0] != "SESSION_ENGINE" || len(names) != 23 {
		t.Errorf("%d: %v", len(names), names)
	}
	if values["SESSION_TIMEOUT"] != int64(90) || values["SESSION_COOKIE_DOMAIN"] != nil {
		t.Errorf("%v", values)
	}
}
