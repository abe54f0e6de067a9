package shell

import (
	"context"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

func TestAHandoverOfTheHistoryIsNamedInTheLanguageOfThePage(t *testing.T) {
	ctx := text.With(context.Background(), text.In("de", time.UTC))
	for _, c := range []struct {
		deed packaging.Deed
		new  string
		want string
	}{
		{packaging.ShiftHandedOver, "14 items", "14 Punkte"},
		{packaging.ShiftHandedOver, "1 items", "1 Punkt"},
		{packaging.ShiftTakenOver, "3 of 4 items acknowledged", "3 von 4 Punkten quittiert"},
		{packaging.ItemsAcknowledged, "note · 3 items", "note · 3 items"},
	} {
		got := DeedText(ctx, packaging.Entry{Deed: c.deed, Object: "shift 2026-11-29 Late", New: c.new})
		if !strings.Contains(got, "Late, 29.11.2026") || !strings.HasSuffix(got, c.want) {
			t.Errorf("%s of %q reads %q", c.deed, c.new, got)
		}
	}
}

func TestWhatTheHistoryHasOfAlarmsSignaturesAndRefusalsIsInTheLanguageOfThePage(t *testing.T) {
	ctx := text.With(context.Background(), text.In("de", time.UTC))
	for _, c := range []struct {
		e    packaging.Entry
		want string
	}{
		{
			packaging.Entry{Deed: packaging.AlarmStarted, Object: "alarm refused", New: "release 11"},
			"Alarm: Freigabe abgelehnt",
		},
		{
			packaging.Entry{Deed: packaging.AlarmsSet, Object: "alarm rule 2", New: "refused after 0 min"},
			"Alarme eingerichtet: Regel 2",
		},
		{
			packaging.Entry{Deed: packaging.AlarmTested, Object: "recipient Night", New: "sent"},
			"Getestet: Empfänger Night",
		},
		{
			packaging.Entry{Deed: packaging.AlarmUndelivered, Object: "something else"},
			"Eine Nachricht kam nicht an: something else",
		},
		{packaging.Entry{Deed: packaging.Signed, New: "Taken over · 0a1b"}, "Unterschrieben: Übernommen · 0a1b"},
		{
			packaging.Entry{Deed: packaging.Signed, New: "In words of once · 0a1b"},
			"Unterschrieben: In words of once · 0a1b",
		},
	} {
		if got := DeedText(ctx, c.e); got != c.want {
			t.Errorf("%s of %q reads %q, want %q", c.e.Deed, c.e.Object+c.e.New, got, c.want)
		}
	}
	refused := packaging.Entry{Deed: packaging.ReleaseEnded, Reason: string(packaging.WrongStatus)}
	if got := HistoryReason(ctx, refused); strings.Contains(got, "Status .") {
		t.Errorf("a refusal reads %q", got)
	}
}

func TestWhatTheHistoryHasOfTheSetupIsInTheLanguageOfThePage(t *testing.T) {
	ctx := text.With(context.Background(), text.In("de", time.UTC))
	for _, c := range []struct {
		e    packaging.Entry
		want string
	}{
		{
			packaging.Entry{Deed: packaging.PersonSet, Object: "user otto", New: "Otto · supervisor"},
			"Person otto hinzugefügt: Otto · Linienleiter",
		},
		{
			packaging.Entry{
				Deed: packaging.TenantSet, Object: "end of credentials", Old: "no end noted, told 30 days before",
				New: "last day 2026-12-06, told 30 days before",
			},
			"Ende der Zugangsdaten geändert: kein Ende eingetragen, gemeldet 30 Tage vorher → letzter Tag 06.12.2026, " +
				"gemeldet 30 Tage vorher",
		},
		{
			packaging.Entry{
				Deed: packaging.ShiftsSet, Object: "shifts", New: "from 2026-11-29: mon 06:00–14:00 mon tue; Late 14:00–22:00 sun",
			},
			"Schichten hinzugefügt: ab 29.11.2026: mon 06:00–14:00 Mo Di; Late 14:00–22:00 So",
		},
		{
			packaging.Entry{
				Deed: packaging.RulesSet, Object: "stations and signatures", Old: "lock after 5m0s", New: "lock after 2m0s, releases signed",
			},
			"Stationen und Unterschriften geändert: Sperre nach 5 min 0 s → Sperre nach 2 min 0 s, Freigaben unterschrieben",
		},
		{packaging.Entry{Deed: packaging.CredentialSet, Object: "api_key"}, "Zugangsdaten festgelegt: API-Schlüssel"},
		// A name is what somebody gave, whatever it says.
		{
			packaging.Entry{Deed: packaging.LineSet, Object: "line L8", New: "retired · retired"},
			"Linie L8 hinzugefügt: retired · ausgeblendet",
		},
		{
			packaging.Entry{Deed: packaging.DestinationSet, Object: "shifts", New: "line 8 · folder · late after 1m0s"},
			"shifts hinzugefügt: line 8 · Ordner · spät nach 1 min 0 s",
		},
	} {
		if got := DeedText(ctx, c.e); got != c.want {
			t.Errorf("%s of %q reads %q, want %q", c.e.Deed, c.e.Object, got, c.want)
		}
	}
	if by := AuthorText(ctx, packaging.Author{FullName: "Provisioning file"}); by != "Bereitstellungsdatei" {
		t.Errorf("a provisioning file is %q", by)
	}
}
