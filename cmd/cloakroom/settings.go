package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloakroom-go/cloakroom/cmd/cloakroom/output"
	"github.com/cloakroom-go/cloakroom/django/settings"
)

func (p *program) settingsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "Show the effective settings, and where each comes from",
		Long: `Show the effective settings that sessions depend on, and the file and line that
each comes from, the flag or variable that gave it, or whose default it is.
Secrets are masked. The files are read, never run.`,
		Example: `  cloakroom settings --settings /etc/openstack-dashboard/local_settings.py`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return p.showSettings() },
	}
}

// setting is one setting as JSON.
type setting struct {
	Name       string `json:"name"`
	Value      any    `json:"value"`
	Source     *line  `json:"source"`  // null where no file sets it
	Given      string `json:"given"`   // the flag or the variable that gave it
	Default    string `json:"default"` // whose: "Django" or "Horizon"
	Overridden []line `json:"overridden"`
}

// line is a line of a settings file, as JSON.
type line struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

func (p *program) showSettings() error {
	s, err := p.load()
	if err != nil {
		return err
	}
	if p.JSON {
		all := []setting{}
		for _, item := range s.Items() {
			one := setting{Name: item.Name, Value: item.Value, Given: item.Source.Given, Default: item.Source.Default, Overridden: []line{}}
			if item.Source.File != "" {
				one.Source = &line{item.Source.File, item.Source.Line}
			}
			for _, place := range item.Source.Overridden {
				one.Overridden = append(one.Overridden, line{place.File, place.Line})
			}
			all = append(all, one)
		}
		return p.Document(all)
	}
	for _, item := range s.Items() {
		p.sayValue(0, item.Name, item.Value, p.sourceText(item.Source))
	}
	return nil
}

// valuesAt is the column that values begin in.
const valuesAt = 33

// sayValue writes a dictionary over several lines.
func (p *program) sayValue(depth int, name string, value any, from string) {
	dict, nested := value.(map[string]any)
	text := ""
	if nested = nested && len(dict) > 0; !nested {
		text = settingText(value)
	}
	if from != "" {
		text += " (" + from + ")"
	}
	p.Paragraph(p.Styled(output.Bold, strings.Repeat("  ", depth)+output.Clean(name)), valuesAt, text)
	if nested {
		for _, key := range slices.Sorted(maps.Keys(dict)) {
			p.sayValue(depth+1, key, dict[key], "")
		}
	}
}

// settingText is a value as Python writes it, but for quotes.
func settingText(value any) string {
	switch value := value.(type) {
	case nil:
		return "None"
	case bool:
		if value {
			return "True"
		}
		return "False"
	case string:
		return value
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func (p *program) sourceText(source settings.Source) string {
	switch {
	case source.Given != "":
		return source.Given
	case source.Default != "":
		return source.Default + "'s default"
	case source.File == "":
		return ""
	}
	text := p.placeText(source.Place)
	for i, place := range source.Overridden {
		before := ", and "
		if i == 0 {
			before = ", overriding "
		}
		text += before + p.placeText(place)
	}
	return text
}

// placeText names a file as seen from the folder of the settings file.
func (p *program) placeText(place settings.Place) string {
	file := place.File
	if relative, err := filepath.Rel(filepath.Dir(p.settings), file); err == nil && filepath.IsLocal(relative) {
		file = relative
	}
	return fmt.Sprintf("%s:%d", file, place.Line)
}
