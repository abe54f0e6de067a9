package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/secret/internal/cost"
	"lineboard/internal/testkit/thorough"
)

const canary = "cAnArY-93f1-secret"

func TestACredentialShowsItselfNowhere(t *testing.T) {
	text := secret.New(canary)
	inside := struct {
		Public secret.Text
		hidden secret.Text
		list   []secret.Text
	}{text, text, []secret.Text{text}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, text, inside, &inside)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "credential", text, "inside", inside)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "credential", text, "inside", inside)
	encoded, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, form := range []string{
		canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("%d", []byte(canary)),
	} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the credential is in what was printed, as %s", form)
		}
	}
	if text.Reveal() != canary {
		t.Error("Reveal does not give the credential")
	}
}

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }

func TestWhatIsSealedOpensOnlyForItsOwnerAndKey(t *testing.T) {
	box, err := secret.NewBox(key(1))
	if err != nil {
		t.Fatal(err)
	}
	sealed := box.Seal(secret.New(canary), "tenant 1 api_key")
	if bytes.Contains(sealed, []byte(canary)) {
		t.Fatal("the sealed credential holds it in clear")
	}
	if opened, err := box.Open(sealed, "tenant 1 api_key"); err != nil || opened.Reveal() != canary {
		t.Errorf("opened %q, %v", opened.Reveal(), err)
	}
	if again := box.Seal(secret.New(canary), "tenant 1 api_key"); bytes.Equal(sealed, again) {
		t.Error("sealing twice gives the same bytes")
	}
	if _, err := box.Open(sealed, "tenant 2 api_key"); err == nil {
		t.Error("another tenant opened it")
	}
	if _, err := box.Open(sealed, "tenant 1 api_secret"); err == nil {
		t.Error("it opened for another purpose")
	}
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 1
		if _, err := box.Open(altered, "tenant 1 api_key"); err == nil {
			t.Errorf("opened with byte %d altered", i)
		}
	}
	for n := range sealed {
		if _, err := box.Open(sealed[:n], "tenant 1 api_key"); err == nil {
			t.Errorf("opened with only %d bytes", n)
		}
	}
	other, err := secret.NewBox(key(2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(sealed, "tenant 1 api_key"); !errors.Is(err, secret.ErrWrongKey) {
		t.Errorf("another key: %v, want ErrWrongKey", err)
	}
}

func TestAMarkIsTheSameForTheSameCredentialOwnerAndKeyAlone(t *testing.T) {
	one, err := secret.NewBox(key(1))
	if err != nil {
		t.Fatal(err)
	}
	two, err := secret.NewBox(key(2))
	if err != nil {
		t.Fatal(err)
	}
	mark := one.Mark(secret.New(canary), "a")
	if !bytes.Equal(mark, one.Mark(secret.New(canary), "a")) {
		t.Error("the mark of the same differs")
	}
	for what, other := range map[string][]byte{
		"credential": one.Mark(secret.New(canary+"x"), "a"), "owner": one.Mark(secret.New(canary), "b"),
		"key": two.Mark(secret.New(canary), "a"),
	} {
		if bytes.Equal(mark, other) {
			t.Errorf("the mark of another %s is the same", what)
		}
	}
}

func TestTheKeyFileIsMadeOnceAndForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lineboard.key")
	if _, err := secret.OpenKeyFile(path, false); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a missing key: %v, want ErrNotExist", err)
	}
	first, err := secret.OpenKeyFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	again, err := secret.OpenKeyFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := again.Open(first.Seal(secret.New(canary), "a"), "a"); err != nil || opened.Reveal() != canary {
		t.Errorf("the key is not the same the second time: %v", err)
	}
}

func TestAKeyFileOfAnEditorOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lineboard.key")
	if err := os.WriteFile(path, []byte("\ufeff"+strings.Repeat("ab", 32)+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := secret.OpenKeyFile(path, false); err != nil {
		t.Error(err)
	}
}

func TestAKeyFileOfTheWrongShapeIsRefusedWithoutShowingIt(t *testing.T) {
	for _, content := range []string{"", "abcd", strings.Repeat("g", 64), strings.Repeat("ab", 33)} {
		path := filepath.Join(t.TempDir(), "lineboard.key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := secret.OpenKeyFile(path, true)
		if err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
			t.Errorf("%q: %v", content, err)
		}
		if err != nil && content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func TestAPasswordIsVerifiedByItsHashAlone(t *testing.T) {
	hash, err := secret.HashPassword(secret.New(canary))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, canary) {
		t.Errorf("hash %s", hash)
	}
	for password, want := range map[string]bool{
		canary: true, canary + " ": false, strings.ToUpper(canary): false, "": false,
	} {
		if secret.VerifyPassword(hash, secret.New(password)) != want {
			t.Errorf("%q: %v", password, !want)
		}
	}
	for _, broken := range []string{
		"", "$", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$", "plain", "$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA",
	} {
		if secret.VerifyPassword(broken, secret.New(canary)) {
			t.Errorf("hash %q let a password in", broken)
		}
	}
	if secret.VerifyPassword("", secret.New("nobody has this password")) {
		t.Error("the decoy's own password signs in where there is no such person")
	}
	if _, err := secret.HashPassword(secret.New("short")); err == nil {
		t.Error("a short password was taken")
	}
}

func TestAPasswordFitsHoweverADeviceComposesItsCharacters(t *testing.T) {
	thorough.Once(t)
	const nfc, nfd = "Gr\u00fc\u00dfe aus K\u00f6ln 42", "Gru\u0308\u00dfe aus Ko\u0308ln 42"
	for _, set := range []string{nfc, nfd} {
		hash, err := secret.HashPassword(secret.New(set))
		if err != nil {
			t.Fatal(err)
		}
		for typed, want := range map[string]bool{
			nfc: true, nfd: true, strings.ReplaceAll(nfd, " ", "\u00a0"): true, "Grusse aus Koln 42": false,
			strings.ToLower(nfc): false,
		} {
			if secret.VerifyPassword(hash, secret.New(typed)) != want {
				t.Errorf("%+q set, %+q typed: %v", set, typed, !want)
			}
		}
	}
	// A hash from before passwords were composed.
	old := secret.HashPIN(secret.New(nfd))
	if !secret.VerifyPassword(old, secret.New(nfd)) {
		t.Error("a stored password does not fit any more")
	}
}

// Where there is no such person, a try takes as many hashes of the same cost.
func TestAPasswordOfNobodyTakesAsLongAsAWrongOne(t *testing.T) {
	hash, err := secret.HashPassword(secret.New(canary))
	if err != nil {
		t.Fatal(err)
	}
	spent := func(hash, typed string) uint64 {
		before := cost.Spent.Load()
		secret.VerifyPassword(hash, secret.New(typed))
		return cost.Spent.Load() - before
	}
	spent("", "x") // makes the decoy
	full := uint64(cost.Passes) * uint64(cost.Memory)
	for typed, want := range map[string]uint64{"not the password": full, "not the passwo\u0308rd": 2 * full} {
		if somebody, nobody := spent(hash, typed), spent("", typed); somebody != want || nobody != want {
			t.Errorf("%q takes %d of somebody and %d of nobody, want %d", typed, somebody, nobody, want)
		}
	}
}

func TestAPasswordIsLongAndNoCommonOne(t *testing.T) {
	for password, want := range map[string]string{
		"correct horse battery": "",
		"Ünïcödé-wörtér":        "",
		"Nachtschicht-Halle-7":  "",
		"11 charactr":           "error.password_short",
		"äöüäöüäöüäö":           "error.password_short", // 11 characters in 22 bytes
		"":                      "error.password_short",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff": "error.password_short", // no text at all
		"password1234":     "error.password_common",
		"Password1234!":    "error.password_common",
		"PasswordPassword": "error.password_common",
		"qwertyqwerty":     "error.password_common",
		"1qaz2wsx3edc":     "error.password_common",
		strings.Repeat("correct horse ", 9) + "no":  "",
		strings.Repeat("correct horse ", 9) + "too": "error.password_long",
		"123456789012":  "error.password_common",
		"abcdefghijklm": "error.password_common",
		"aaaaaaaaaaaa":  "error.password_common",
		"121212121212":  "error.password_common",
	} {
		key := ""
		var coded *packaging.Error
		if errors.As(secret.CheckPassword(secret.New(password)), &coded) {
			key = coded.Key
		}
		if key != want {
			t.Errorf("%q: %q, want %q", password, key, want)
		}
	}
}
