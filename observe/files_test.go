package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/cloakroom-go/cloakroom"
	"github.com/cloakroom-go/cloakroom/engine/guarded"
	"github.com/cloakroom-go/cloakroom/observe"
)

// everything is an engine's metrics with each of their labels' values, once all
// has happened that can happen.
func everything(t *testing.T) (values map[string]map[string][]string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		behind := &answering{}
		engine := observe.New(guarded.New(behind, guarded.WithLogger(slog.New(slog.DiscardHandler))))
		go engine.Run(ctx)
		synctest.Wait()
		for _, err := range []error{
			nil, cloakroom.ErrCorrupt, cloakroom.ErrNotFound, cloakroom.ErrConflict, cloakroom.ErrGone, cloakroom.ErrTooLarge,
			cloakroom.ErrUnencodable, cloakroom.ErrUnavailable, context.DeadlineExceeded, context.Canceled, errors.New("odd"),
		} {
			behind.err = err
			engine.Load(ctx, "")
			_ = engine.Save(ctx, &cloakroom.Record{})
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(engine.Collector())
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values = map[string]map[string][]string{}
		for _, family := range families {
			labels := map[string][]string{"job": nil, "instance": nil}
			for _, metric := range family.GetMetric() {
				for _, label := range metric.GetLabel() {
					labels[label.GetName()] = append(labels[label.GetName()], label.GetValue())
				}
			}
			values[family.GetName()] = labels
			if metrics := family.GetMetric(); metrics[0].GetHistogram() != nil {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					values[family.GetName()+suffix] = labels
				}
			}
		}
		stop()
	})
	return values
}

var (
	selector = regexp.MustCompile(`(cloakroom_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
)

// check finds what an expression asks for and no metric has, which Prometheus
// answers with nothing at all.
func check(t *testing.T, where, expr string, values map[string]map[string][]string) {
	t.Helper()
	found := selector.FindAllStringSubmatch(expr, -1)
	if len(found) == 0 {
		t.Errorf("%s: no metric in %q", where, expr)
	}
	for _, s := range found {
		labels, ok := values[s[1]]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, s[1])
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			have, ok := labels[m[1]]
			if !ok {
				t.Errorf("%s: %s has no label %s", where, s[1], m[1])
			}
			for value := range strings.SplitSeq(m[2], "|") {
				if !strings.HasPrefix(value, "$") && !slices.Contains(have, value) {
					t.Errorf("%s: %s{%s} is never %q, but %q", where, s[1], m[1], value, have)
				}
			}
		}
	}
}

func TestGrafanaDashboardShowsWhatThereIs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Title  string `json:"title"`
		Panels []struct {
			Title       string `json:"title"`
			Description string `json:"description"`
			Targets     []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || dashboard.Title == "" {
		t.Fatalf("%q, %v", dashboard.Title, err)
	}
	values := everything(t)
	shown := map[string]bool{}
	for _, panel := range dashboard.Panels {
		if panel.Description == "" || len(panel.Targets) == 0 {
			t.Errorf("%s: say what it shows", panel.Title)
		}
		for _, target := range panel.Targets {
			check(t, panel.Title, target.Expr, values)
			for _, s := range selector.FindAllStringSubmatch(target.Expr, -1) {
				shown[strings.TrimSuffix(s[1], "_bucket")] = true
			}
		}
	}
	for name, labels := range values {
		if _, part := labels["le"]; !part && !shown[name] && !strings.Contains(name, "_duration_seconds_") && name != "cloakroom_sessions_counted_timestamp_seconds" {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestAlertsWatchWhatThereIs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	values := everything(t)
	watched := ""
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			check(t, rule.Alert, rule.Expr, values)
			for _, m := range matcher.FindAllStringSubmatch(rule.Expr, -1) {
				if m[1] == "outcome" {
					watched += "|" + m[2] + "|"
				}
			}
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s: say how bad it is, and what it is", rule.Alert)
			}
			// Two engines alike are told apart by a label that the site chooses.
			if regexp.MustCompile(`\bon\s*\(`).MatchString(rule.Expr) {
				t.Errorf("%s: matched on labels that are named here, two engines alike are an error to Prometheus", rule.Alert)
			}
			if !strings.Contains(string(manual), "`"+rule.Alert+"`") {
				t.Errorf("docs/observability.md does not explain %s", rule.Alert)
			}
		}
	}
	for _, outcome := range []string{"unavailable", "timeout", "failed", "corrupt"} { // when visitors are kept from their sessions
		if !strings.Contains(watched, "|"+outcome+"|") {
			t.Errorf("no alert watches the outcome %s", outcome)
		}
	}
	for name := range values {
		if !strings.Contains(string(manual), "`"+name) && !strings.Contains(name, "_duration_seconds_") {
			t.Errorf("docs/observability.md does not explain %s", name)
		}
	}
}
