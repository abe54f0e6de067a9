package config_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"lineboard/internal/config"
	"lineboard/internal/deliver"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// anyDestination checks destinations as a server does that was started with one folder and two hosts.
func anyDestination(to packaging.Destination, typed secret.Text) (packaging.Destination, error) {
	to, _, err := deliver.New(nil, deliver.Options{
		Roots: map[string]string{"press": "/srv/lists"},
		Hosts: []string{"printer.plant.example:22", "mes.plant.example"},
	}).Check(to, typed)
	return to, err
}

const goodDestinations = `    destinations:
      - {line: L1, name: Line PC, kind: pull}
      - line: L1
        name: Press
        kind: folder
        root: press
        file_name: "{{.Line}}/{{.Order}}-{{.Number}}.txt"
        format: own
        template: |
          {{range .Serials}}{{.Serial}}
          {{end}}
        lets_through: [later, duplicates]
        late_after: 2m
        give_up: 24h
      - line: L2
        name: Printer
        kind: sftp
        server: printer.plant.example
        username: lists
        host_key: $HOSTKEY
        private_key: file:$KEY
      - line: L2
        name: MES
        kind: webhook
        url: https://mes.plant.example/hooks
        public_url: https://lineboard.plant.example/
        signing_secret: env:MES_SECRET
    shifts:
`

const ownTemplate = `template: |
          {{range .Serials}}{{.Serial}}
          {{end}}`

const signing = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// destinationFile is the good file with destinations, of which one thing is replaced.
func destinationFile(t *testing.T, old, new string) (text []byte, env func(string) string) {
	t.Helper()
	if !strings.Contains(goodDestinations, old) {
		t.Fatalf("there is no %q", old)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hostKey, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	with := strings.NewReplacer("$HOSTKEY", strings.TrimSpace(string(ssh.MarshalAuthorizedKey(hostKey))), "$KEY", key).
		Replace(strings.Replace(goodDestinations, old, new, 1))
	return file(t, "    shifts:\n", with), func(name string) string {
		if name == "MES_SECRET" {
			return signing
		}
		return getenv(name)
	}
}

func TestDestinationsOfEachKindAreReadWithTheirSecretsFromWhereTheFileSays(t *testing.T) {
	text, env := destinationFile(t, "kind: pull", "kind: pull")
	p, err := config.ParseProvisioning(text, env, anyDestination)
	if err != nil {
		t.Fatal(err)
	}
	all := p.Tenants[0].Destinations
	if len(all) != 4 {
		t.Fatalf("%d destinations", len(all))
	}
	pull, _ := all[0].Settings()
	if pull.Kind != packaging.PullDestination || pull.Line.Code != "L1" || pull.LateAfter != 5*time.Minute ||
		pull.GiveUp != 72*time.Hour {
		t.Errorf("%+v", pull)
	}
	folder, _ := all[1].Settings()
	if folder.Address != "press" || folder.Format != packaging.OwnFormat ||
		!strings.HasPrefix(folder.Template, "{{range .Serials}}") ||
		folder.LateAfter != 2*time.Minute || len(folder.Lets) != 2 {
		t.Errorf("%+v", folder)
	}
	sftp, key := all[2].Settings()
	if sftp.Address != "printer.plant.example:22" || sftp.SecretKind != packaging.KeySecret ||
		sftp.FileName != "{{.Order}}-{{.Number}}.csv" ||
		!strings.HasSuffix(key.Reveal(), "PRIVATE KEY-----\n") {
		t.Errorf("%+v", sftp)
	}
	mes, typed := all[3].Settings()
	if mes.PublicURL != "https://lineboard.plant.example" || typed.Reveal() != signing {
		t.Errorf("%+v", mes)
	}
}

func TestEachMistakeInADestinationIsToldWithItsLine(t *testing.T) {
	for name, test := range map[string]struct{ old, new, line, says string }{
		"no such line": {
			"line: L1, name: Line PC", "line: L9, name: Line PC", "line 16", "one of the tenant's lines",
		},
		"no name":      {"name: Line PC, ", "", "line 16", "1 to 40 characters"},
		"a name twice": {"name: Press", "name: line pc", "line 18", "another destination"},
		"no such kind": {"kind: pull", "kind: fax", "line 16", "pull, folder, sftp, webhook"},
		"a field of another": {
			"kind: pull", "kind: pull, root: press", "line 16", "root: is not for the kind pull",
		},
		"no root":             {"        root: press\n", "", "line 17", "root: is missing"},
		"another root":        {"root: press", "root: elsewhere", "line 20", "--drop-root"},
		"one name for all":    {"{{.Line}}/{{.Order}}-{{.Number}}.txt", "list.txt", "line 21", "the same name"},
		"no such format":      {"format: own", "format: xml", "line 22", "csv, json, text, own"},
		"a template too much": {"format: own", "format: csv", "line 23", "is for the format own"},
		"a template with a flaw": {
			"{{range .Serials}}{{.Serial}}", "{{range .Serial}}{{.Serial}}", "line 23", "can't be used",
		},
		"an empty template": {ownTemplate, `template: ""`, "line 23", "empty, or longer than 16 KiB"},
		"a template too long": {
			ownTemplate, "template: " + strings.Repeat("x", 16<<10+1), "line 23", "too long",
		},
		"no such list": {"duplicates", "doubles", "line 26", "seen_before"},
		"no time":      {"late_after: 2m", "late_after: soon", "line 17", "1m to 168h"},
		"too long":     {"give_up: 24h", "give_up: 24000h", "line 17", "1h to 720h"},
		"another host": {
			"printer.plant.example", "printer.elsewhere.example", "line 29", "printer.elsewhere.example:22",
		},
		"no user":        {"        username: lists\n", "", "line 29", "username: is missing"},
		"no host key":    {"        host_key: $HOSTKEY\n", "", "line 29", "host_key: is missing"},
		"a bad host key": {"$HOSTKEY", "ssh-ed25519 AAAA", "line 34", "such as ssh-ed25519"},
		"neither":        {"        private_key: file:$KEY\n", "", "line 29", "one of the two"},
		"both": {
			"private_key: file:$KEY", "private_key: file:$KEY\n        password: the-secret", "line 36",
			"one of the two",
		},
		"a bad key":     {"file:$KEY", "the-secret", "line 35", "without a passphrase"},
		"a missing key": {"file:$KEY", "file:/nowhere/at/all", "line 35", "no such file"},
		"no URL":        {"https://mes.plant.example/hooks", "mes", "line 39", "such as https://mes"},
		"a password in it": {
			"https://mes.plant", "https://me:the-secret@mes.plant", "line 39", "without a password",
		},
		"no address of ours": {
			"https://lineboard.plant.example/", "lineboard", "line 40", "such as https://lineboard",
		},
		"no signing secret": {
			"        signing_secret: env:MES_SECRET\n", "", "line 36", "signing_secret: is missing",
		},
		"a bad signing secret": {"env:MES_SECRET", "the-secret", "line 41", "whsec_"},
		"an unset variable":    {"env:MES_SECRET", "env:NO_SECRET", "line 41", "NO_SECRET is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			text, env := destinationFile(t, test.old, test.new)
			_, err := config.ParseProvisioning(text, env, anyDestination)
			if err == nil || !strings.Contains(err.Error(), test.line+":") ||
				!strings.Contains(err.Error(), test.says) ||
				strings.Contains(err.Error(), "the-secret") || strings.Contains(err.Error(), signing) {
				t.Errorf("error %q, want %q and %q in it", err, test.line, test.says)
			}
		})
	}
}
