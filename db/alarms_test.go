package db

import (
	"strings"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

func TestWhatAlarmsAreSentWithIsReadAfterARotationAndByNobodyElse(t *testing.T) {
	d, ghent, _ := opened(t)
	by := become(t, d, ghent, packaging.Administrator)
	id, key, err := d.AddRecipient(t.Context(), by, packaging.Recipient{Name: "SCADA", Kind: packaging.ByWebhook}, secret.New("https://scada.example/canary-path"))
	if err != nil {
		t.Fatal(err)
	}
	to := packaging.AlarmSettings{
		Language: "de", MailHost: "mail.example:465", Encryption: packaging.ImplicitTLS, MailFrom: "line@plant.example", MailUser: "line",
		HeartbeatEvery: 60e9,
	}
	if err := d.SetAlarmSettings(t.Context(), by, to, secret.New("canary-mail"), secret.New("https://beat.example/canary-beat"), false); err != nil {
		t.Fatal(err)
	}
	for name, v := range blobs(t, d) {
		if strings.Contains(string(v), "canary") {
			t.Errorf("%s holds a secret in clear", name)
		}
	}
	if err := d.Rotate(t.Context(), box(t, 2)); err != nil {
		t.Fatal(err)
	}
	if old := sealedWith(t, d, box(t, 1)); len(old) > 0 {
		t.Errorf("sealed with the old key: %q", old)
	}
	target, signs, err := d.Target(t.Context(), by.Tenant.ID, id)
	if err != nil || target.Reveal() != "https://scada.example/canary-path" || !signs.Equal(key) {
		t.Errorf("the recipient is read as %q: %v", target.Reveal(), err)
	}
	_, password, beat, err := d.AlarmSettings(t.Context(), by.Tenant.ID)
	if err != nil || password.Reveal() != "canary-mail" || beat.Reveal() != "https://beat.example/canary-beat" {
		t.Errorf("password and heartbeat are read as %q, %q: %v", password.Reveal(), beat.Reveal(), err)
	}
	// The stored password goes to the server that it was set for, and nowhere else.
	to.MailHost = "mail.elsewhere.example:465"
	if err := d.SetAlarmSettings(t.Context(), by, to, secret.Text{}, secret.Text{}, false); err != nil {
		t.Fatal(err)
	}
	if _, password, _, err = d.AlarmSettings(t.Context(), by.Tenant.ID); err != nil || !password.Empty() {
		t.Errorf("another server would get the password: %v", err)
	}
}
