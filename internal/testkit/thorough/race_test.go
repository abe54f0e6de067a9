//go:build race

package thorough_test

import (
	"compress/flate"
	"database/sql"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// races do what the race detector is there for: two goroutines have the same bytes, and one of them writes.
var races = map[string]func(t *testing.T, bytes []byte){
	"in code of ours": func(_ *testing.T, bytes []byte) { bytes[0]++ },
	"in a statement": func(t *testing.T, bytes []byte) {
		d, err := sql.Open("sqlite", ":memory:")
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, err := d.ExecContext(t.Context(), `SELECT length(?)`, bytes); err != nil {
			t.Fatal(err)
		}
	},
	"in compression": func(t *testing.T, bytes []byte) {
		w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes); err != nil {
			t.Fatal(err)
		}
	},
}

// The flags of make raced leave the detector out of packages that take long. So this program, which was built with
// them, runs itself again, and races. Each race must be found.
func TestTheRaceDetectorFindsARaceThatIsThereOnPurpose(t *testing.T) {
	const onPurpose = "LINEBOARD_RACES"
	if os.Getenv(onPurpose) != "" {
		for name, race := range races {
			t.Run(name, func(t *testing.T) {
				bytes, changed := make([]byte, 1<<10), make(chan struct{})
				go func() {
					bytes[0]++
					close(changed)
				}()
				race(t, bytes)
				<-changed
			})
		}
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), onPurpose+"=1")
	printed, err := again.CombinedOutput()
	if err == nil {
		t.Error("a program that races ends well")
	}
	for name := range races {
		its := "--- FAIL: " + t.Name() + "/" + strings.ReplaceAll(name, " ", "_") + " "
		if !strings.Contains(string(printed), its) || !strings.Contains(string(printed), "DATA RACE") {
			t.Errorf("the race %s is not found:\n%s", name, printed)
		}
	}
}
