package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"lineboard/internal/config"
)

// The rest that the documents name is tested in internal/docs.

// documents returns README.md and the files of docs/ by their path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, path := range append(paths, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))] = string(text)
	}
	return all
}

// flags returns the flags of each command by their names.
func flags(t *testing.T) map[string]map[string]*kong.Flag {
	t.Helper()
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]*kong.Flag{}
	for _, command := range parser.Model.Children {
		all[command.Name] = map[string]*kong.Flag{}
		for _, flag := range command.Flags {
			all[command.Name][flag.Name] = flag
		}
	}
	return all
}

// ofOthers are flags of docker, systemctl and apt that the documents name.
var ofOthers = []string{"allow-downgrades", "cap-drop", "name", "now", "read-only", "stop-timeout"}

// ofTests are settings of what tests look at.
var ofTests = []string{"LINEBOARD_LOOK", "LINEBOARD_PICTURES"}

func TestFlagsAndCommandsThatAreNamedExist(t *testing.T) {
	commands := flags(t)
	known := func(flag string) bool {
		for _, flags := range commands {
			if flags[flag] != nil {
				return true
			}
		}
		if flag == "help" || flag == "config" { // of all commands
			return true
		}
		return slices.Contains(ofOthers, flag)
	}
	for path, text := range documents(t) {
		for _, m := range regexp.MustCompile(`(?:^|[^\w-])--([a-z][a-z-]*)`).FindAllStringSubmatch(text, -1) {
			if !known(m[1]) {
				t.Errorf("%s: there is no flag --%s", path, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`LINEBOARD_([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
			if !known(strings.ReplaceAll(strings.ToLower(m[1]), "_", "-")) && !slices.Contains(ofTests, m[0]) {
				t.Errorf("%s: no flag is set by %s", path, m[0])
			}
		}
		for _, m := range regexp.MustCompile("(?m)(?:[`/]|^)lineboard ([a-z][a-z-]*)").FindAllStringSubmatch(text, -1) {
			if commands[m[1]] == nil && m[1] != "history" { // with which the hashes of a history begin
				t.Errorf("%s: there is no command %s", path, m[1])
			}
		}
	}
}

// The reference has a table below the names of each command, or of several that share it. A row has a flag, its default
// and its meaning.
func TestTheReferenceHasEveryFlagWithItsDefault(t *testing.T) {
	code := regexp.MustCompile("`([^`]+)`")
	commands, documented := flags(t), map[string]bool{}
	for _, part := range strings.Split(documents(t)["docs/reference.md"], "\n### ")[1:] {
		heading, table, _ := strings.Cut(part, "\n")
		table, _, _ = strings.Cut(table, "\n## ")
		for _, m := range code.FindAllStringSubmatch(heading, -1) {
			command := strings.TrimPrefix(m[1], "lineboard ")
			documented[command] = true
			missing := commands[command]
			for line := range strings.Lines(table) {
				cells := strings.Split(line, "|")
				if len(cells) < 4 || !strings.Contains(cells[1], "`--") {
					continue
				}
				name := strings.TrimPrefix(code.FindStringSubmatch(cells[1])[1], "--")
				flag := missing[name]
				delete(missing, name)
				switch only := regexp.MustCompile("`([a-z-]+)` only").FindStringSubmatch(cells[3]); {
				case only != nil && only[1] != command:
				case flag == nil:
					t.Errorf("%s has no flag --%s", command, name)
				case !hasDefault(flag, strings.TrimSpace(cells[2])):
					t.Errorf("%s --%s: the default is %q, the reference says %s", command, name, flag.Default, cells[2])
				}
			}
			for name := range missing {
				t.Errorf("the reference lacks --%s of %s", name, command)
			}
		}
	}
	for command := range commands {
		if !documented[command] {
			t.Errorf("the reference lacks %s", command)
		}
	}
}

// hasDefault says whether a cell of the reference says what the default of a flag is.
func hasDefault(flag *kong.Flag, cell string) bool {
	switch {
	case flag.HasDefault:
		return cell == "`"+flag.Default+"`"
	case flag.IsBool():
		return cell == "off"
	case slices.Contains([]string{"data", "anchors"}, flag.Name): // made up of others when the command runs
		return cell != ""
	}
	return cell == ""
}

// Settings that are only suggested stand behind a mark of comments.
func TestTheSettingsFileOfTheDocsHasSettingsThatExist(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "operate", "lineboard.yaml")
	serve, named := flags(t)["serve"], 0
	if _, err := config.ReadSettings(path, func(name string) bool { return serve[name] != nil }); err != nil {
		t.Error(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:# )?([a-z][a-z-]*): \S`).FindAllStringSubmatch(content(t, path), -1) {
		if named++; serve[m[1]] == nil {
			t.Errorf("there is no setting %s", m[1])
		}
	}
	if named < 8 {
		t.Errorf("it names %d settings", named)
	}
}
