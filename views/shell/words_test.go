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
				Deed: packaging.ShiftsSet, Object: "shifts",
				New: "from 2026-11-29: mon 06:00–14:00 mon tue; Late 14:00–22:00 sun",
			},
			"Schichten hinzugefügt: ab 29.11.2026: mon 06:00–14:00 Mo Di; Late 14:00–22:00 So",
		},
		{
			packaging.Entry{
				Deed: packaging.RulesSet, Object: "stations and signatures", Old: "lock after 5m0s",
				New: "lock after 2m0s, releases signed",
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
		{
			packaging.Entry{
				Deed: packaging.DestinationSet, Object: "L3",
				New: "L3 · sftp · retired · operator · lets through duplicates · csv · lets through wrong_count · late after 10m0s · " +
					"gives up after 10h0m0s",
			},
			"L3 hinzugefügt: L3 · SFTP-Server · retired · operator · lets through duplicates · CSV · " +
				"lässt durch: Andere Anzahl von Seriennummern als erwartet · spät nach 10 min 0 s · gibt auf nach 10 h 0 min",
		},
		{packaging.Entry{Deed: packaging.LineSet, Object: "line 10h", New: "5m"}, "Linie 10h hinzugefügt: 5m"},
		{
			packaging.Entry{Deed: packaging.LineAdopted, Object: "line L8", New: "works"},
			"Linie L8 als works eingerichtet, mit allen Aufträgen",
		},
		// A name with what stands between the parts takes no other part's place: as it was written before, and as it is now.
		{
			packaging.Entry{
				Deed: packaging.PersonSet, Object: "user otto",
				New: "Otto · B2 · not active · supervisor · not active",
			},
			"Person otto hinzugefügt: Otto · B2 · not active · Linienleiter · Nicht aktiv",
		},
		{
			packaging.Entry{
				Deed: packaging.PersonSet, Object: "user otto",
				New: packaging.PersonDetails("Otto · manager", "supervisor", "L1", "", true),
			},
			"Person otto hinzugefügt: Otto · manager · Linienleiter · Linien L1",
		},
		{
			packaging.Entry{
				Deed: packaging.LineSet, Object: "line L8", New: packaging.Line{Name: `"Blister" · retired`}.Details(),
			},
			`Linie L8 hinzugefügt: "Blister" · retired`,
		},
		{
			packaging.Entry{
				Deed: packaging.TenantSet, Object: "tenant ghent",
				New: "A · B · Europe/Brussels · https://a.example · dynamic token in X-Token",
			},
			"Standort ghent hinzugefügt: A · B · Europe/Brussels · https://a.example · dynamisches Token in X-Token",
		},
		{
			packaging.Entry{Deed: packaging.DestinationSet, Object: "PC", New: packaging.Destination{
				Name: "PC · webhook", Kind: packaging.FolderDestination, Address: "lets through duplicates", Format: packaging.OwnFormat,
				Template: "csv", Lets: []packaging.HeldKind{packaging.LaterList}, LateAfter: time.Minute, GiveUp: time.Hour,
			}.Details()},
			"PC hinzugefügt: PC · webhook · Ordner · lets through duplicates · Eigene Vorlage · csv · " +
				"lässt durch: Die Liste einer späteren Freigabe des Auftrags · spät nach 1 min 0 s · gibt auf nach 1 h 0 min",
		},
		{
			packaging.Entry{Deed: packaging.CredentialSet, Object: "client_secret"}, "Zugangsdaten festgelegt: Client-Secret",
		},
		{
			packaging.Entry{Deed: packaging.CredentialSet, Object: "mail_password"},
			"Zugangsdaten festgelegt: Passwort am Mailserver",
		},
		{packaging.Entry{Deed: packaging.CredentialSet, Object: "heartbeat"}, "Zugangsdaten festgelegt: Heartbeat-URL"},
		{packaging.Entry{Deed: packaging.PasswordSet, Object: "user 0"}, "Passwort festgelegt: Person 0"},
		{packaging.Entry{Deed: packaging.PasswordSet, Object: "user duplicates"}, "Passwort festgelegt: Person duplicates"},
		{packaging.Entry{Deed: packaging.PasswordSet, Object: "user 2026-11-29"}, "Passwort festgelegt: Person 2026-11-29"},
		{packaging.Entry{Deed: packaging.ViewSaved, Object: "shifts"}, "Ansicht shifts gespeichert"},
		{
			packaging.Entry{Deed: packaging.StationSet, Object: "station retired", New: "all lines · operator"},
			"Station retired hinzugefügt: all lines · operator",
		},
		{
			packaging.Entry{
				Deed: packaging.TenantSet, Object: "tenant ghent",
				New: "operator · Europe/Brussels · retired · static token in X-Token",
			},
			"Standort ghent hinzugefügt: operator · Europe/Brussels · retired · statisches Token in X-Token",
		},
		// Every word of the program has its own in each language.
		{
			packaging.Entry{
				Deed: packaging.PersonSet, Object: "user eva", Old: "Eva · no role here",
				New: "Eva · administrator+manager · lines L1, L2 · same human as otto · not active",
			},
			"Person eva geändert: Eva · hier keine Rolle → " +
				"Eva · Administrator, Schichtleiter · Linien L1, L2 · derselbe Mensch wie otto · Nicht aktiv",
		},
		{
			packaging.Entry{
				Deed: packaging.RulesSet, Object: "confirmation of passwords", Old: "by a second person",
				New: "waived: nobody else can",
			},
			"Bestätigung von Passwörtern geändert: durch eine zweite Person → verzichtet: sonst kann es niemand",
		},
		{
			packaging.Entry{
				Deed: packaging.ShiftsSet, Object: "who signs a shift", Old: "anybody who may review",
				New: "somebody who did nothing in the shift",
			},
			"Unterschrift von Schichten geändert: Jeder, der Schichten prüfen darf → " +
				"Nur wer in dieser Schicht selbst nichts ausgeführt hat",
		},
		{
			packaging.Entry{Deed: packaging.CredentialSet, Object: "secret of destination PC"},
			"Zugangsdaten festgelegt: Geheimnis des Ziels PC",
		},
		{packaging.Entry{Deed: packaging.SessionEnded, Object: "session of eva"}, "Anmeldung von eva beendet"},
		{packaging.Entry{Deed: packaging.StationCoded, Object: "station A"}, "Code für Station A erzeugt"},
		{packaging.Entry{Deed: packaging.StationBound, Object: "station A"}, "Tablet gekoppelt: Station A"},
		{packaging.Entry{Deed: packaging.StationUnbound, Object: "display A"}, "Tablet entkoppelt: Anzeige A"},
		{packaging.Entry{Deed: packaging.StationRemoved, Object: "display A"}, "Anzeige A entfernt"},
		{
			packaging.Entry{Deed: packaging.StationSet, Object: "display A", New: "all lines"},
			"Anzeige A hinzugefügt: alle Linien",
		},
		{
			packaging.Entry{Deed: packaging.StationSet, Object: "language of station A", Old: "de", New: "fr"},
			"Sprache der Station A geändert: de → fr",
		},
		{
			packaging.Entry{Deed: packaging.LineAdopted, Object: "line L8", New: "Blister"},
			"Linie L8 als Blister eingerichtet, mit allen Aufträgen",
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
