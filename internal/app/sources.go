package app

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"lineboard/internal/config"
)

// sources are where flags that are not on the command line come from: the environment, and the settings file.
type sources struct {
	getenv func(name string) string
	path   string // of the settings file, empty for none
	file   map[string]config.Setting
}

// BeforeResolve opens the sources of flags; kong calls it. It fails if the settings file has a mistake.
func (c *commands) BeforeResolve(ctx *kong.Context, p Process, s *sources) (err error) {
	s.getenv = p.Getenv
	for _, flag := range ctx.Model.Flags {
		if flag.Name == "config" {
			s.path, _ = ctx.FlagValue(flag).(string)
		}
	}
	if s.path == "" {
		s.path = s.fromEnvironment("config")
	}
	if s.path != "" {
		if s.file, err = config.ReadSettings(s.path, settingsOf(ctx.Model)); err != nil {
			return err
		}
	}
	ctx.AddResolver(kong.ResolverFunc(s.resolve))
	return nil
}

// settingsOf returns which names a settings file may have: those of the flags of serve.
func settingsOf(model *kong.Application) func(name string) bool {
	names := map[string]bool{}
	for _, command := range model.Children {
		for _, flag := range command.Flags {
			names[flag.Name] = names[flag.Name] || command.Name == "serve"
		}
	}
	return func(name string) bool { return names[name] }
}

// resolve returns what a flag is that is not on the command line; nil where it has its default.
func (s *sources) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value := s.fromEnvironment(flag.Name); value != "" {
		return value, nil
	}
	if setting, ok := s.file[flag.Name]; ok {
		if flag.IsMap() {
			return setting.Joined(string(flag.Tag.MapSep)), nil
		}
		return setting.Joined(","), nil
	}
	return nil, nil
}

func (s *sources) fromEnvironment(flag string) string {
	return s.getenv("LINEBOARD_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
}

// locate adds to an error about a flag where in the settings file it stands.
func (s *sources) locate(err error) error {
	if err == nil {
		return nil
	}
	for name, setting := range s.file {
		named := regexp.MustCompile("--" + name + "[^a-z-]").MatchString(err.Error())
		if named && s.fromEnvironment(name) == "" {
			return fmt.Errorf("%w (%s, line %d)", err, s.path, setting.Line)
		}
	}
	return err
}
