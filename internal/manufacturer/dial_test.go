package manufacturer

import (
	"errors"
	"testing"
)

func TestANameOfTheAPILeadsToNoPrivateAddress(t *testing.T) {
	for address, want := range map[string]error{
		"203.0.113.9:443":       nil,
		"[2001:db8::9]:443":     nil,
		"127.0.0.1:443":         errPrivate,
		"10.1.2.3:443":          errPrivate,
		"172.20.0.1:443":        errPrivate,
		"192.168.1.1:443":       errPrivate,
		"169.254.169.254:80":    errPrivate,
		"0.0.0.0:443":           errPrivate,
		"[::1]:443":             errPrivate,
		"[fd00::1]:443":         errPrivate,
		"[fe80::1%eth0]:443":    errPrivate,
		"[::ffff:10.1.2.3]:443": errPrivate,
	} {
		if got := public(address); !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestAnAddressThatIsWrittenDownMayBePrivate(t *testing.T) {
	s := answering(t, says(200, `{}`))
	conn, err := dialer(s.URL)(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
