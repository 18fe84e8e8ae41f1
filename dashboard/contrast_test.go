package dashboard

import (
	"fmt"
	"math"
	"regexp"
	"testing"
)

// The colours of both schemes keep WCAG's AA: 4.5 to 1 for text, 3 to 1 for the
// outlines of fields.
func TestContrast(t *testing.T) {
	t.Parallel()
	style, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(style), -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes, want light and dark", len(schemes))
	}
	for i, scheme := range schemes {
		colours := map[string]string{}
		for _, c := range regexp.MustCompile(`--([\w-]+): #(\w+);`).FindAllStringSubmatch(scheme[1], -1) {
			colours[c[1]] = c[2]
		}
		for _, c := range []struct {
			least float64
			ink   string
			on    []string
		}{
			{4.5, "text", []string{"bg", "surface", "sunken"}},
			{4.5, "muted", []string{"bg", "surface", "sunken"}},
			{4.5, "accent", []string{"bg", "surface", "accent-soft"}},
			{4.5, "accent-strong", []string{"accent-soft"}},
			{4.5, "on-accent", []string{"accent", "accent-strong"}},
			{4.5, "danger", []string{"surface", "danger-soft"}},
			{4.5, "danger-strong", []string{"danger-soft"}},
			{4.5, "on-danger", []string{"danger", "danger-strong"}},
			{4.5, "warning", []string{"warning-soft"}},
			{3, "field", []string{"bg", "surface"}},
		} {
			for _, on := range c.on {
				if got := contrast(t, colours[c.ink], colours[on]); got < c.least {
					t.Errorf("scheme %d: %s on %s: %.2f to 1, want %.1f", i, c.ink, on, got, c.least)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := luminance(t, a), luminance(t, b)
	return (max(light, dark) + .05) / (min(light, dark) + .05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%[1]c%c%[2]c%c%[3]c", hex[0], hex[1], hex[2])
	}
	var r, g, b uint8
	if _, err := fmt.Sscanf(hex, "%02x%02x%02x", &r, &g, &b); err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	linear := func(c uint8) float64 {
		if v := float64(c) / 255; v > .04045 {
			return math.Pow((v+.055)/1.055, 2.4)
		}
		return float64(c) / 255 / 12.92
	}
	return .2126*linear(r) + .7152*linear(g) + .0722*linear(b)
}
