package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Destination is where the serial lists of a line go. Which fields count depends on its kind.
type Destination struct {
	Line      string     `yaml:"line"` // its code
	Name      string     `yaml:"name"`
	Kind      string     `yaml:"kind"`
	Root      string     `yaml:"root"` // of a folder: the name that --drop-root gives it
	Server    string     `yaml:"server"`
	Username  string     `yaml:"username"`
	HostKey   string     `yaml:"host_key"`
	Password  Credential `yaml:"password"`
	Key       Credential `yaml:"private_key"`
	URL       string     `yaml:"url"`
	PublicURL string     `yaml:"public_url"`
	Signing   Credential `yaml:"signing_secret"`
	FileName  string     `yaml:"file_name"`
	Format    string     `yaml:"format"`
	Template  string     `yaml:"template"`
	Lets      []string   `yaml:"lets_through"`
	LateAfter string     `yaml:"late_after"`
	GiveUp    string     `yaml:"give_up"`

	settings packaging.Destination // as the check returned it
}

// CheckDestination returns a destination as it is stored. Invalid if the server that was started can't bring lists
// there, or not write them so.
type CheckDestination func(to packaging.Destination, typed secret.Text) (packaging.Destination, error)

// Settings returns the destination with its line's code, and its secret, which is empty where it needs none.
func (d Destination) Settings() (packaging.Destination, secret.Text) {
	switch {
	case !d.Signing.Empty():
		return d.settings, d.Signing.Text
	case !d.Key.Empty():
		return d.settings, d.key()
	}
	return d.settings, d.Password.Text
}

// key returns the private key with the end of its last line, which the file of a secret has lost.
func (d Destination) key() secret.Text { return secret.New(d.Key.Reveal() + "\n") }

// fields are what a destination of a kind may have beside a line, a name, times, and what is let through. Those marked
// true it needs.
var fields = map[packaging.DestinationKind]map[string]bool{
	packaging.PullDestination:   {},
	packaging.FolderDestination: {"root": true, "file_name": false, "format": false, "template": false},
	packaging.SFTPDestination: {
		"server": true, "username": true, "host_key": true, "password": false, "private_key": false, "file_name": false,
		"format": false, "template": false,
	},
	packaging.WebhookDestination: {"url": true, "signing_secret": true, "public_url": false},
}

// given returns what the file says in the fields that not every kind has.
func (d Destination) given() map[string]string {
	return map[string]string{
		"root": d.Root, "server": d.Server, "username": d.Username, "host_key": d.HostKey,
		"password":    d.Password.source,
		"private_key": d.Key.source, "url": d.URL, "public_url": d.PublicURL, "signing_secret": d.Signing.source,
		"file_name": d.FileName, "format": d.Format, "template": d.Template,
	}
}

func (c *check) destinations(at string, all []Destination, codes map[string]bool) {
	seen := map[string]bool{}
	for i := range all {
		d, at := &all[i], fmt.Sprintf("%s[%d]", at, i)
		if !codes[strings.ToLower(d.Line)] {
			c.fail(at+".line", "must be the code of one of the tenant's lines")
		}
		name := strings.ToLower(d.Line + "\n" + d.Name)
		if seen[name] {
			c.fail(at+".name", "another destination of the line has it too")
		}
		seen[name] = true
		c.destination(at, d)
	}
}

// destination reports each mistake with its line. The domain and the server decide what is a mistake.
func (c *check) destination(at string, d *Destination) {
	before := len(c.wrong)
	kind := packaging.DestinationKind(d.Kind)
	of, ok := fields[kind]
	if !ok {
		c.fail(at+".kind", "must be one of: pull, folder, sftp, webhook")
		return
	}
	given := d.given()
	for _, field := range slices.Sorted(maps.Keys(given)) {
		needed, has := of[field]
		switch value := given[field]; {
		case !has && value != "":
			c.fail(at+"."+field, "is not for the kind %s", kind)
		case needed && value == "":
			c.fail(at+"."+field, "is missing for the kind %s", kind)
		}
	}
	c.credential(at+".password", &d.Password, false)
	c.key(at+".private_key", &d.Key)
	c.credential(at+".signing_secret", &d.Signing, false)
	if kind == packaging.SFTPDestination && d.Password.Empty() == d.Key.Empty() {
		c.fail(at+".password", "must be given, or private_key: one of the two")
	}
	if d.Format != "" {
		c.oneOf(at+".format", d.Format, names(packaging.ListFormats)...)
	}
	if d.Template != "" && d.Format != string(packaging.OwnFormat) {
		c.fail(at+".template", "is for the format own")
	}
	for i, kind := range d.Lets {
		c.oneOf(fmt.Sprintf("%s.lets_through[%d]", at, i), kind, names(packaging.HeldKinds)...)
	}
	if len(c.wrong) > before {
		return
	}
	d.settings = d.read()
	to, typed := d.Settings()
	var err error
	d.settings, err = c.destinationCheck(to, typed)
	c.destinationProblem(at, err)
}

// read returns the destination as the file has it, with the defaults of what it leaves out.
func (d Destination) read() packaging.Destination {
	to := packaging.Destination{
		Line:      packaging.Line{Code: d.Line},
		Name:      d.Name,
		Kind:      packaging.DestinationKind(d.Kind),
		Address:   d.Root + d.Server + d.URL, // each kind has one of them
		Username:  d.Username,
		HostKey:   strings.TrimSpace(d.HostKey),
		PublicURL: strings.TrimRight(d.PublicURL, "/"),
		FileName:  d.FileName,
		Format:    packaging.JSONFormat,
		Template:  d.Template,
		LateAfter: duration(d.LateAfter, packaging.DefaultLateAfter),
		GiveUp:    duration(d.GiveUp, packaging.DefaultGiveUp),
	}
	if to.Kind.WritesFiles() {
		to.Format = packaging.CSVFormat
	}
	if d.Format != "" {
		to.Format = packaging.ListFormat(d.Format)
	}
	switch {
	case to.Kind == packaging.WebhookDestination:
		to.SecretKind = packaging.SigningSecret
	case to.Kind == packaging.SFTPDestination && d.Key.source != "":
		to.SecretKind = packaging.KeySecret
	case to.Kind == packaging.SFTPDestination:
		to.SecretKind = packaging.PasswordSecret
	}
	for _, kind := range d.Lets {
		to.Lets = append(to.Lets, packaging.HeldKind(kind))
	}
	return to
}

// duration reads a time such as 5m. It returns zero, which no destination may have, for what is none.
func duration(text string, standard time.Duration) time.Duration {
	if text == "" {
		return standard
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// key looks a private key up, which has several lines.
func (c *check) key(at string, v *Credential) {
	if v.source == "" {
		return
	}
	if err := v.resolve(c.getenv); err != nil {
		c.fail(at, "%v", err)
	} else if v.Empty() {
		c.fail(at, "is empty")
	}
}

// destinationProblem words what the domain or the server found wrong.
func (c *check) destinationProblem(at string, err error) {
	var wrong *packaging.Error
	switch {
	case err == nil:
	case !errors.As(err, &wrong):
		c.fail(at, "%v", err)
	default:
		p, ok := destinationProblems[wrong.Key]
		if !ok {
			p.expected = "can't be set up so"
		}
		for name, value := range wrong.Args {
			p.expected = strings.ReplaceAll(p.expected, "{"+name+"}", value)
		}
		c.fail(at+p.at, "%s", p.expected)
	}
}

// destinationProblems words the mistakes in destinations, and says where they are.
var destinationProblems = map[string]struct{ at, expected string }{
	"destination.bad_name": {".name", "must be 1 to 40 characters, all of which can be seen"},
	"destination.bad_time": {"", "late_after must be 1m to 168h, and give_up 1h to 720h"},
	"destination.no_root": {
		".root", "must be the name of a folder that the server was started with (--drop-root)",
	},
	"destination.host_not_listed": {"", "the server was not started with {Host} (--destination-hosts)"},
	"destination.bad_host_key":    {".host_key", "must be a host key such as ssh-ed25519 AAAA…"},
	"destination.bad_key": {
		".private_key", "must be a private key without a passphrase, in the form of OpenSSH or PEM",
	},
	"destination.bad_url": {
		".url", "must be an address such as https://mes.plant.example/hooks, without a password",
	},
	"destination.bad_public_url":     {".public_url", "must be an address such as https://lineboard.plant.example"},
	"destination.bad_signing_secret": {".signing_secret", "must be whsec_ and 24 to 64 bytes in base64"},
	"destination.bad_template":       {".template", "can't be used: {Detail}"},
	"destination.bad_file_name":      {".file_name", "can't be used: {Detail}"},
}
