package db

import (
	"cmp"
	"database/sql"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

// act is what a method of the database that takes a person does for them.
type act struct {
	reads string // why it needs no look at whether they still may: it only reads, for example
	needs packaging.Action
	who   string                                     // does it, ada where nobody is named
	first func(*stage, packaging.Person) error       // what must have been before
	do    func(*stage, packaging.Person) (err error) // what they do
}

const forPages = "it reads for pages, which ask who somebody is before"

// acts has a row for every method that takes a person. A new one needs one here.
var acts = map[string]act{
	"CheckImport": {reads: forPages}, "Preview": {reads: forPages}, "SetupLines": {reads: forPages},
	"SetupLine": {reads: forPages},
	"Members":   {reads: forPages}, "Member": {reads: forPages}, "SignOnWaits": {reads: forPages},
	"Candidates": {reads: forPages}, "SignOnAccount": {reads: forPages},
	"HistoryViews": {reads: forPages}, "OrderView": {reads: forPages}, "MayConnect": {reads: "it changes nothing"},
	"EndSession": {reads: "whoever has a session may end it"},

	"StartSession": {needs: packaging.ViewOrders, do: func(s *stage, by packaging.Person) error {
		return s.StartSession(s.t.Context(), [32]byte{1}, by, packaging.Device{})
	}},
	"ContinueSession": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			return s.StartSession(s.t.Context(), [32]byte{1}, by, packaging.Device{})
		},
		do: func(s *stage, by packaging.Person) error {
			return s.ContinueSession(s.t.Context(), [32]byte{1}, [32]byte{2}, by, packaging.Device{})
		},
	},
	"EndOwnSession": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			return s.StartSession(s.t.Context(), [32]byte{1}, by, packaging.Device{})
		},
		do: func(s *stage, by packaging.Person) error {
			return s.EndOwnSession(s.t.Context(), by, packaging.SessionID([32]byte{1}))
		},
	},
	"EndSessionOf": {
		needs: packaging.Administer, first: func(s *stage, _ packaging.Person) error {
			return s.StartSession(s.t.Context(), [32]byte{1}, s.people["otto"], packaging.Device{})
		},
		do: func(s *stage, by packaging.Person) error {
			return s.EndSessionOf(s.t.Context(), by, packaging.SessionID([32]byte{1}))
		},
	},
	"ChangePassword": {needs: packaging.ViewOrders, do: func(s *stage, by packaging.Person) error {
		return s.ChangePassword(s.t.Context(), by, passwordOf(s.t, s.DB, by), "another hash", [32]byte{1})
	}},

	"Claim": {needs: packaging.ReleaseOrders, do: func(s *stage, by packaging.Person) error {
		_, err := s.Claim(s.t.Context(), by, packaging.Press{Order: s.order("pending").ID})
		return err
	}},
	"SettleByWord": {
		needs: packaging.ReleaseOrders, first: func(s *stage, _ packaging.Person) error {
			o, err := s.Claim(s.t.Context(), s.people["otto"], packaging.Press{Order: s.order("pending").ID})
			if err == nil {
				_, err = s.Settle(s.t.Context(), o, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut})
			}
			if err != nil {
				return err
			}
			return s.NoteAsked(s.t.Context(), s.order("pending"), string(packaging.TimedOut), time.Time{})
		},
		do: func(s *stage, by packaging.Person) error {
			o := s.order("pending")
			word := packaging.Word{
				Order: o.ID, Revision: o.Revision, Ruling: packaging.WasReleased, Why: "seen at the line",
			}
			return s.SettleByWord(s.t.Context(), by, word)
		},
	},
	"StartQueue": {
		needs: packaging.ReleaseOrders, do: func(s *stage, by packaging.Person) error { return s.startQueue(by) },
	},
	"StopQueue": {
		needs: packaging.ReleaseOrders,
		first: func(s *stage, _ packaging.Person) error { return s.startQueue(s.people["otto"]) },
		do: func(s *stage, by packaging.Person) error {
			return s.StopQueue(s.t.Context(), by, s.order("pending").Line.ID)
		},
	},
	"DiscardQueue": {
		needs: packaging.ReleaseOrders, first: func(s *stage, _ packaging.Person) error {
			if err := s.startQueue(s.people["otto"]); err != nil {
				return err
			}
			return s.StopQueue(s.t.Context(), s.people["otto"], s.order("pending").Line.ID)
		},
		do: func(s *stage, by packaging.Person) error {
			line := s.order("pending").Line.ID
			q, err := s.Queue(s.t.Context(), packaging.Everything(by.Tenant.ID), line)
			if err != nil {
				return err
			}
			return s.DiscardQueue(s.t.Context(), by, line, q.ID)
		},
	},
	"AddList": {needs: packaging.SettleOrders, do: func(s *stage, by packaging.Person) error {
		return s.AddList(s.t.Context(), by, s.order("elsewhere").ID, 0, 0, []string{"S1"})
	}},
	"DismissKept": {needs: packaging.SettleOrders, first: func(s *stage, _ packaging.Person) error {
		_, err := s.StoreHeld(s.t.Context(), heldFor(s.tenant, "elsewhere", start, released("s1")))
		return err
	}, do: func(s *stage, by packaging.Person) error {
		_, err := s.DismissKept(s.t.Context(), by, 1, "the line has it")
		return err
	}},
	"Acknowledge": {needs: packaging.SettleOrders, do: func(s *stage, by packaging.Person) error {
		o := s.order("released")
		return s.Acknowledge(s.t.Context(), by, o.ID, o.Release.ID, "counted")
	}},
	"AcknowledgeAll": {needs: packaging.SettleOrders, first: func(s *stage, by packaging.Person) error {
		o := s.order("pending")
		claimed, err := s.Claim(s.t.Context(), by, packaging.Press{Order: o.ID})
		if err != nil {
			return err
		}
		_, err = s.Settle(
			s.t.Context(), claimed,
			packaging.Answer{Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: packaging.Suspended},
		)
		return err
	}, do: func(s *stage, by packaging.Person) error {
		o := s.order("pending")
		return s.AcknowledgeAll(s.t.Context(), by, []packaging.ResultSeen{{Order: o.ID, Release: o.Release.ID}})
	}},
	"SetOrderLine": {needs: packaging.SetLines, do: func(s *stage, by packaging.Person) error {
		o := s.order("pending")
		return s.SetOrderLine(s.t.Context(), by, o.ID, o.Line.ID, s.line("L2").ID)
	}},
	"AdoptLine": {needs: packaging.SetLines, do: func(s *stage, by packaging.Person) error {
		_, err := s.AdoptLine(s.t.Context(), by, "L9", "Tubes")
		return err
	}},
	"SetUpFoundLine": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		_, err := s.SetUpFoundLine(s.t.Context(), by, "L9", "Tubes")
		return err
	}},
	"Import": {needs: packaging.ImportOrders, do: func(s *stage, by packaging.Person) error {
		_, err := s.Import(
			s.t.Context(), by,
			packaging.ImportRequest{FileName: "orders.csv", Rows: numbered([]packaging.Facts{{Key: "new", Lot: "L"}})},
		)
		return err
	}},
	"ShowSerial": {needs: packaging.ReleaseOrders, do: func(s *stage, by packaging.Person) error {
		return s.ShowSerial(s.t.Context(), by, s.order("released").List(), 1)
	}},
	"WithdrawOrder": {
		needs: packaging.ImportOrders,
		first: func(s *stage, by packaging.Person) error { return s.importNew(s.people["otto"]) },
		do: func(s *stage, by packaging.Person) error {
			return s.WithdrawOrder(s.t.Context(), by, s.order("new").ID, "A footer row.")
		},
	},
	"GiveValueBack": {
		needs: packaging.ImportOrders,
		first: func(s *stage, by packaging.Person) error { return s.importNew(s.people["otto"]) },
		do: func(s *stage, by packaging.Person) error {
			return s.GiveValueBack(s.t.Context(), by, s.order("new").ID, packaging.ColumnLot, "L", "A date.")
		},
	},
	"GiveImportBack": {
		needs: packaging.ImportOrders,
		first: func(s *stage, by packaging.Person) error { return s.importNew(s.people["otto"]) },
		do: func(s *stage, by packaging.Person) error {
			_, err := s.GiveImportBack(s.t.Context(), by, 1, "The wrong file.")
			return err
		},
	},
	"KeepPreview": {needs: packaging.ImportOrders, do: func(s *stage, by packaging.Person) error {
		_, err := s.KeepPreview(
			s.t.Context(), by, packaging.ImportFile{Name: "orders.csv", Rows: numbered([]packaging.Facts{{Key: "a"}})}, time.Minute,
		)
		return err
	}},

	"NoteLine": {needs: packaging.WriteNotes, do: func(s *stage, by packaging.Person) error {
		return s.NoteLine(s.t.Context(), by, s.line("L1"), "The pump leaks.")
	}},
	"NoteOrder": {needs: packaging.WriteNotes, do: func(s *stage, by packaging.Person) error {
		return s.NoteOrder(s.t.Context(), by, s.order("pending").ID, "The pump leaks.")
	}},
	"WithdrawNote": {
		needs: packaging.WriteNotes, first: func(s *stage, by packaging.Person) error {
			return s.NoteLine(s.t.Context(), by, s.line("L1"), "The pump leaks.")
		},
		do: func(s *stage, by packaging.Person) error { return s.WithdrawNote(s.t.Context(), by, 1, "It does not.") },
	},
	"HandOver": {needs: packaging.HandOver, do: func(s *stage, by packaging.Person) error { return s.handOver(by) }},
	"TakeOver": {
		needs: packaging.HandOver,
		first: func(s *stage, _ packaging.Person) error { return s.handOver(s.people["otto"]) },
		do:    func(s *stage, by packaging.Person) error { return s.takeOver(by) },
	},
	"AcknowledgeItems": {
		needs: packaging.HandOver, first: func(s *stage, by packaging.Person) error {
			if err := s.handOver(s.people["otto"]); err != nil {
				return err
			}
			return s.takeOver(by)
		},
		do: func(s *stage, by packaging.Person) error {
			return s.AcknowledgeItems(s.t.Context(), by, s.shift(), []int{1})
		},
	},
	"SignShift": {needs: packaging.ReviewShifts, do: func(s *stage, by packaging.Person) error {
		o := s.night()
		report, err := s.ShiftReport(s.t.Context(), by.Scope(), o)
		if err != nil {
			return err
		}
		return s.SignShift(
			s.t.Context(), by, o, "", report.Record().Digest(),
			packaging.Signature{Meaning: "reviewed", Factor: packaging.ByPassword},
		)
	}},
	"SaveHistoryView": {needs: packaging.ViewHistory, do: func(s *stage, by packaging.Person) error {
		return s.SaveHistoryView(s.t.Context(), by, packaging.HistoryView{Name: "mine", Query: "line=L1"})
	}},
	"RemoveHistoryView": {
		needs: packaging.ViewHistory, first: func(s *stage, by packaging.Person) error {
			return s.SaveHistoryView(s.t.Context(), by, packaging.HistoryView{Name: "mine", Query: "line=L1"})
		},
		do: func(s *stage, by packaging.Person) error { return s.RemoveHistoryView(s.t.Context(), by, 1) },
	},

	"SetTenant": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetTenant(s.t.Context(), by, "Plant Gent", "Europe/Brussels")
	}},
	"AddTenant": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		_, err := s.AddTenant(
			s.t.Context(), by,
			packaging.Tenant{Slug: "lyon", Name: "Plant Lyon", TimeZone: "Europe/Paris", BaseURL: "http://127.0.0.1:1"},
		)
		return err
	}},
	"SetConnection": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetConnection(s.t.Context(), by, "http://127.0.0.1:1", secret.Credentials{
			TokenKind: "dynamic", TokenHeader: "x-access-token", APIKey: secret.New("another"),
		})
	}},
	"SetCredentialsEnd": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetCredentialsEnd(s.t.Context(), by, packaging.CredentialsEnd{LastDay: "2026-12-31", RemindDays: 14})
	}},
	"SetSingleSignOn": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		settings := signOnSetup("ghent").SignOn.SingleSignOn
		settings.Label = "Another account"
		return s.SetSingleSignOn(s.t.Context(), by, settings, secret.Text{}, false)
	}},
	"AddLine": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.AddLine(s.t.Context(), by, packaging.Line{Code: "L7", Name: "Tubes"})
	}},
	"SetLine": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetLine(s.t.Context(), by, "L1", func(l *packaging.Line) { l.Name = "Blisters" })
	}},
	"SetShifts": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetShifts(s.t.Context(), by, packaging.Plan{From: "2026-12-24", Shifts: threeShifts[:1]})
	}},
	"SetOtherReviewer": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetOtherReviewer(s.t.Context(), by, true)
	}},
	"SetRules": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetRules(s.t.Context(), by, func(r *packaging.Rules) { r.LockAfter = packaging.MinLockAfter })
	}},
	"AcknowledgeLoss": {
		needs: packaging.Administer, first: func(s *stage, _ packaging.Person) error {
			return s.RecordLoss(
				s.t.Context(),
				packaging.Loss{Tenant: s.tenant.ID, Slug: s.tenant.Slug, From: 900, Until: 901, First: 1, Anchor: 1},
			)
		}, do: func(s *stage, by packaging.Person) error {
			return s.AcknowledgeLoss(s.t.Context(), by, 1, "restored")
		},
	},
	"SetupDestination": {reads: forPages}, "SetupDestinations": {reads: forPages},
	"AddDestination": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		_, err := s.AddDestination(s.t.Context(), by, webhookOn("L1"), secret.New("whsec_canary"))
		return err
	}},
	"SetDestination": {needs: packaging.Administer, first: addWebhook, do: func(s *stage, by packaging.Person) error {
		to := webhookOn("L1")
		to.ID, to.Name = 1, "Renamed"
		return s.SetDestination(s.t.Context(), by, to, secret.Text{})
	}},
	"StopDestination": {needs: packaging.Administer, first: addWebhook, do: func(s *stage, by packaging.Person) error {
		return s.StopDestination(s.t.Context(), by, 1, "maintenance")
	}},
	"StartDestination": {
		needs: packaging.Administer, first: func(s *stage, by packaging.Person) error {
			return cmp.Or(addWebhook(s, by), s.StopDestination(s.t.Context(), s.people["otto"], 1, "maintenance"))
		},
		do: func(s *stage, by packaging.Person) error { return s.StartDestination(s.t.Context(), by, 1) },
	},
	"RetireDestination": {
		needs: packaging.Administer, first: addWebhook,
		do: func(s *stage, by packaging.Person) error {
			return s.RetireDestination(s.t.Context(), by, 1, "replaced")
		},
	},
	"RotateSigningSecret": {
		needs: packaging.Administer, first: addWebhook,
		do: func(s *stage, by packaging.Person) error {
			return s.RotateSigningSecret(s.t.Context(), by, 1, secret.New("whsec_next"), start.Add(time.Hour))
		},
	},
	"SendList": {needs: packaging.SettleOrders, first: addWebhook, do: func(s *stage, by packaging.Person) error {
		return s.SendList(s.t.Context(), by, s.order("released").ID, 1, "the line asked for it")
	}},
	"SendDelivery": {
		needs: packaging.SettleOrders, first: sendToWebhook,
		do: func(s *stage, by packaging.Person) error {
			return s.SendDelivery(s.t.Context(), by, 1, "once more")
		},
	},
	"CarryDelivery": {
		needs: packaging.SettleOrders, first: sendToWebhook,
		do: func(s *stage, by packaging.Person) error {
			return s.CarryDelivery(s.t.Context(), by, 1, "on a stick")
		},
	},
	"TakeDelivery": {reads: "programs do it, by their token: TestATokenTakesTheListsOfItsLinesAlone"},
	"CreateToken": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.CreateToken(
			s.t.Context(), by, packaging.Token{Name: "ERP", Scopes: []packaging.TokenScope{packaging.SendOrdersScope}},
			[32]byte{1},
		)
	}},
	"RevokeToken": {
		needs: packaging.Administer, first: func(s *stage, _ packaging.Person) error {
			return s.CreateToken(
				s.t.Context(), s.people["otto"],
				packaging.Token{Name: "ERP", Scopes: []packaging.TokenScope{packaging.SendOrdersScope}}, [32]byte{1},
			)
		},
		do: func(s *stage, by packaging.Person) error { return s.RevokeToken(s.t.Context(), by, 1) },
	},

	"AddPerson": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		p := packaging.Person{Author: packaging.Author{Username: "new", FullName: "New", Role: packaging.Operator}}
		return s.AddPerson(s.t.Context(), by, p, secret.New("canary-password"))
	}},
	"JoinPerson": {needs: packaging.Administer, who: "ann", do: func(s *stage, by packaging.Person) error {
		return s.JoinPerson(
			s.t.Context(), by,
			packaging.Person{Author: packaging.Author{ID: s.people["bea"].ID, Role: packaging.Operator}},
		)
	}},
	"SetPerson": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		p := s.people["otto"]
		p.FullName = "Otto the Great"
		return s.SetPerson(s.t.Context(), by, p)
	}},
	"SetPersonsPassword": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetPersonsPassword(s.t.Context(), by, s.people["otto"].ID, secret.New("another canary-password"))
	}},
	"SetPersonActive": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetPersonActive(s.t.Context(), by, s.people["otto"].ID, false)
	}},
	"SetHuman": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetHuman(s.t.Context(), by, s.people["otto"].ID, by.ID)
	}},
	"DecideSignOn": {
		needs: packaging.Administer, first: func(s *stage, by packaging.Person) error {
			s.set(`INSERT INTO sign_on_waits (tenant_id, issuer, subject, username, email, full_name, user_id, asked_at)
				VALUES (?, 'i', 's', 'otto', '', 'Otto', ?, 1)`, by.Tenant.ID, s.people["otto"].ID)
			return nil
		},
		do: func(s *stage, by packaging.Person) error {
			return s.DecideSignOn(s.t.Context(), by, "i", "s", s.people["otto"].ID, true)
		},
	},
	"RemoveFactors": {
		needs: packaging.Administer, first: func(s *stage, _ packaging.Person) error {
			return s.SetPIN(s.t.Context(), s.people["otto"], "a hash")
		},
		do: func(s *stage, by packaging.Person) error {
			return s.RemoveFactors(s.t.Context(), by, s.people["otto"].ID)
		},
	},
	"RemovePerson": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.RemovePerson(s.t.Context(), by, s.people["ann"].ID)
	}},
	"ConnectIdentity": {needs: packaging.ViewOrders, do: func(s *stage, by packaging.Person) error {
		return s.ConnectIdentity(s.t.Context(), by, identityOf(by))
	}},
	"DisconnectIdentity": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			return s.ConnectIdentity(s.t.Context(), by, identityOf(by))
		},
		do: func(s *stage, by packaging.Person) error { return s.DisconnectIdentity(s.t.Context(), by) },
	},
	"SetSigningPassword": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			return s.ConnectIdentity(s.t.Context(), by, identityOf(by))
		},
		do: func(s *stage, by packaging.Person) error {
			return s.SetSigningPassword(s.t.Context(), by, identityOf(by), "a hash")
		},
	},

	"SetAlarmSettings": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		to := packaging.AlarmSettings{Language: "hu", Encryption: packaging.StartTLS}
		return s.SetAlarmSettings(s.t.Context(), by, to, secret.Text{}, secret.Text{}, false)
	}},
	"AddRecipient": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		_, err := s.AddRecipient(s.t.Context(), by, nightShift, secret.New("night@plant.example"), secret.Text{})
		return err
	}},
	"RemoveRecipient": {
		needs: packaging.Administer, first: addRecipient,
		do: func(s *stage, by packaging.Person) error {
			return s.RemoveRecipient(s.t.Context(), by, 1)
		},
	},
	"SetAlarmRule": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetAlarmRule(s.t.Context(), by, packaging.AlarmRule{Kind: packaging.AlarmUnknown})
	}},
	"RemoveAlarmRule": {
		needs: packaging.Administer, first: addAlarmRule,
		do: func(s *stage, by packaging.Person) error {
			return s.RemoveAlarmRule(s.t.Context(), by, 1)
		},
	},
	"TakeAlarm": {
		needs: packaging.TakeAlarms, first: func(s *stage, by packaging.Person) error {
			if err := addAlarmRule(s, by); err != nil {
				return err
			}
			facts := []packaging.AlarmFact{{Kind: packaging.AlarmBackup, Subject: "backup", Since: start}}
			return s.RaiseAlarms(s.t.Context(), s.tenant, facts)
		},
		do: func(s *stage, by packaging.Person) error { return s.TakeAlarm(s.t.Context(), by, 1) },
	},

	"AddStation": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		_, _, err := s.AddStation(s.t.Context(), by, "Tablet 9", s.line("L1").ID, "")
		return err
	}},
	"SetStationLanguage": {
		needs: packaging.Administer, first: addStation,
		do: func(s *stage, by packaging.Person) error {
			return s.SetStationLanguage(s.t.Context(), by, 1, "hu")
		},
	},
	"SetStationKeyboard": {
		needs: packaging.ViewOrders, first: bindStation,
		do: func(s *stage, by packaging.Person) error {
			return s.SetStationKeyboard(s.t.Context(), by, 1, "agrees-de")
		},
	},
	"MakeCode": {needs: packaging.Administer, first: addStation, do: func(s *stage, by packaging.Person) error {
		_, _, err := s.MakeCode(s.t.Context(), by, 1)
		return err
	}},
	"UnbindStation": {needs: packaging.Administer, first: bindStation, do: func(s *stage, by packaging.Person) error {
		return s.UnbindStation(s.t.Context(), by, 1)
	}},
	"RemoveStation": {needs: packaging.Administer, first: addStation, do: func(s *stage, by packaging.Person) error {
		return s.RemoveStation(s.t.Context(), by, 1)
	}},
	"AddDisplay": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		_, _, err := s.AddDisplay(s.t.Context(), by, "Wall 9", "")
		return err
	}},
	"MakeDisplayCode": {needs: packaging.Administer, first: addDisplay, do: func(s *stage, by packaging.Person) error {
		_, _, err := s.MakeDisplayCode(s.t.Context(), by, 1)
		return err
	}},
	"UnbindDisplay": {
		needs: packaging.Administer, first: func(s *stage, by packaging.Person) error {
			_, code, err := s.AddDisplay(s.t.Context(), s.people["otto"], "Wall 1", "")
			if err != nil {
				return err
			}
			_, err = s.BindDisplay(s.t.Context(), code, [32]byte{9}, "192.0.2.1")
			return err
		},
		do: func(s *stage, by packaging.Person) error { return s.UnbindDisplay(s.t.Context(), by, 1) },
	},
	"RemoveDisplay": {needs: packaging.Administer, first: addDisplay, do: func(s *stage, by packaging.Person) error {
		return s.RemoveDisplay(s.t.Context(), by, 1)
	}},
	"LockStation": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			if err := bindStation(s, by); err != nil {
				return err
			}
			by.StationID, by.Station = 1, "Tablet 1"
			return s.StartSession(s.t.Context(), [32]byte{1}, by, packaging.Device{})
		},
		do: func(s *stage, by packaging.Person) error { return s.LockStation(s.t.Context(), by, [32]byte{1}) },
	},
	"Confirmations": {reads: forPages},
	"ConfirmOwnPassword": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			s.set(`UPDATE users SET password_set_by = 'x', password_changed = 1, older_hash = 'h' WHERE id = ?`, by.ID)
			return nil
		},
		do: func(s *stage, by packaging.Person) error { return s.ConfirmOwnPassword(s.t.Context(), by) },
	},
	"ConfirmPassword": {
		needs: packaging.ConfirmPeople, first: func(s *stage, _ packaging.Person) error {
			s.set(`UPDATE users SET password_set_by = 'x', password_changed = 1 WHERE id = ?`, s.people["otto"].ID)
			return nil
		},
		do: func(s *stage, by packaging.Person) error {
			return s.ConfirmPassword(s.t.Context(), by, s.people["otto"].ID, s.shownPassword(s.t, s.people["otto"].ID))
		},
	},
	"ConfirmBadge": {
		needs: packaging.ViewOrders, first: func(s *stage, by packaging.Person) error {
			return s.SetBadge(s.t.Context(), s.people["otto"], by.ID, secret.New("04-A2-9F-12"))
		},
		do: func(s *stage, by packaging.Person) error {
			_, shown, err := s.BadgeToConfirm(s.t.Context(), by.Tenant.ID, by.ID)
			if err != nil {
				return err
			}
			return s.ConfirmBadge(s.t.Context(), by, shown)
		},
	},
	"WaiveConfirmation": {
		needs: packaging.WaiveConfirm, first: func(s *stage, by packaging.Person) error {
			s.set(`UPDATE users SET password_set_by = 'x' WHERE id <> ?`, by.ID)
			now := s.now
			s.now = func() time.Time { return now().Add(aloneFor) }
			return nil
		},
		do: func(s *stage, by packaging.Person) error { return s.WaiveConfirmation(s.t.Context(), by, true) },
	},
	"SetPIN": {
		needs: packaging.ViewOrders,
		do:    func(s *stage, by packaging.Person) error { return s.SetPIN(s.t.Context(), by, "a hash") },
	},
	"SetBadge": {needs: packaging.Administer, do: func(s *stage, by packaging.Person) error {
		return s.SetBadge(s.t.Context(), by, s.people["otto"].ID, secret.New("04-A2-9F-11"))
	}},
}

func identityOf(p packaging.Person) packaging.Identity {
	return packaging.Identity{Issuer: "https://login.example", Subject: p.Username, Username: p.Username}
}

func addStation(s *stage, _ packaging.Person) error {
	_, s.code, s.err = s.AddStation(s.t.Context(), s.people["otto"], "Tablet 1", s.line("L1").ID, "")
	return s.err
}

func bindStation(s *stage, by packaging.Person) error {
	if err := addStation(s, by); err != nil {
		return err
	}
	_, err := s.BindStation(s.t.Context(), s.code, [32]byte{9}, "10.0.0.7")
	return err
}

// stage is a database in which every act can be done: orders of all kinds, and people who may do everything.
var nightShift = packaging.Recipient{Name: "Night shift", Kind: packaging.ByMail}

func addRecipient(s *stage, _ packaging.Person) error {
	_, err := s.AddRecipient(
		s.t.Context(), s.people["otto"], nightShift, secret.New("night@plant.example"), secret.Text{},
	)
	return err
}

func addAlarmRule(s *stage, _ packaging.Person) error {
	return s.SetAlarmRule(s.t.Context(), s.people["otto"], packaging.AlarmRule{Kind: packaging.AlarmBackup})
}

type stage struct {
	*DB
	t        *testing.T
	tenant   packaging.Tenant
	people   map[string]packaging.Person
	code     string
	err      error
	watching *sql.Conn // of commits, nil until the first look
}

func addWebhook(s *stage, _ packaging.Person) error {
	_, err := s.AddDestination(s.t.Context(), s.people["otto"], webhookOn("L1"), secret.New("whsec_canary"))
	return err
}

func sendToWebhook(s *stage, by packaging.Person) error {
	return cmp.Or(
		addWebhook(s, by),
		s.SendList(s.t.Context(), s.people["otto"], s.order("released").ID, 1, "the line asked for it"),
	)
}

const everyRole = "administrator+manager+supervisor"

// setStage is the file that each stage begins with: hashing passwords is slow on purpose.
func setStage(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lineboard.db")
	d := openTicking(t, file, start, time.Millisecond)
	person := func(username string) PersonSetup {
		return PersonSetup{
			Username: username, FullName: "Person " + username, Role: everyRole,
			Password: secret.New("canary-password"),
		}
	}
	ghent, basel := signOnSetup("ghent"), setup("basel")
	ghent.Lines, ghent.Shifts = append(ghent.Lines, packaging.Line{Code: "L2", Name: "Bottle line 2"}), threeShifts
	ghent.People = []PersonSetup{person("ada"), person("otto"), person("ann")}
	basel.People = []PersonSetup{person("ann"), person("bea")}
	if err := d.Provision(t.Context(), Site{ghent, basel}); err != nil {
		t.Fatal(err)
	}
	s := staged(t, d)
	released, elsewhere, unknown := facts("released"), facts("elsewhere"), facts("unknown")
	elsewhere.Status, unknown.LineCode = packaging.InProgress, "L9"
	cache(t, d, s.tenant.ID, facts("pending"), released, elsewhere, unknown)
	claimed, err := d.Claim(t.Context(), s.people["otto"], packaging.Press{Order: s.order("released").ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Released, Serials: []string{"S7"}},
	); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func staged(t *testing.T, d *DB) *stage {
	t.Helper()
	s := &stage{DB: d, t: t, people: map[string]packaging.Person{}}
	tenants, err := d.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range tenants {
		people, err := d.People(t.Context(), tenant.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range people {
			if _, ok := s.people[p.Username]; !ok || tenant.Slug == "ghent" {
				s.people[p.Username] = p
			}
		}
		if tenant.Slug == "ghent" {
			s.tenant = tenant
		}
	}
	return s
}

func (s *stage) order(key string) packaging.Order { return order(s.t, s.DB, s.tenant.ID, key) }

func (s *stage) line(code string) packaging.Line {
	l, err := s.Line(s.t.Context(), packaging.Everything(s.tenant.ID), code)
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// shift is the one that runs, night the one before it.
func (s *stage) shift() packaging.Occurrence { return s.shiftAt(start) }
func (s *stage) night() packaging.Occurrence { return s.shiftAt(start.Add(-2 * time.Hour)) }

func (s *stage) shiftAt(at time.Time) packaging.Occurrence {
	r, err := s.Roster(s.t.Context(), packaging.Everything(s.tenant.ID))
	if err != nil {
		s.t.Fatal(err)
	}
	o, ok := r.At(at, s.tenant.Location())
	if !ok {
		s.t.Fatalf("no shift at %v", at)
	}
	return o
}

func (s *stage) startQueue(by packaging.Person) error {
	o := s.order("pending")
	_, err := s.StartQueue(s.t.Context(), by, o.Line.ID, []packaging.QueuePick{{Order: o.ID}})
	return err
}

func (s *stage) importNew(by packaging.Person) error {
	_, err := s.Import(s.t.Context(), by, packaging.ImportRequest{
		FileName: "orders.csv", Rows: numbered([]packaging.Facts{{Key: "new", LineCode: "L1", Lot: "L"}}),
	})
	return err
}

func (s *stage) handOver(by packaging.Person) error {
	items, err := s.OpenItems(s.t.Context(), by.Scope(), s.shift())
	if err != nil {
		return err
	}
	return s.HandOver(s.t.Context(), by, s.shift(), "", packaging.HandoverRecord(s.shift(), items, "").Digest(),
		packaging.Signature{Meaning: "handed over", Factor: packaging.ByPassword})
}

func (s *stage) takeOver(by packaging.Person) error {
	h, err := s.Handover(s.t.Context(), by.Scope(), s.shift())
	if err != nil {
		return err
	}
	return s.TakeOver(s.t.Context(), by, s.shift(), nil, "", packaging.TakeoverRecord(h, nil, "").Digest(),
		packaging.Signature{Meaning: "taken over", Factor: packaging.ByPassword})
}

// commits is a number that changes with each commit that writes anything.
func (s *stage) commits() (n int) {
	s.t.Helper()
	// The version is that of one connection.
	if s.watching == nil {
		watching, err := s.read.Conn(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { watching.Close() })
		s.watching = watching
	}
	if err := s.watching.QueryRowContext(s.t.Context(), `PRAGMA data_version`).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *stage) set(query string, args ...any) {
	s.t.Helper()
	if err := s.tx(s.t.Context(), func(t *tx) error { return t.exec(query, args...) }); err != nil {
		s.t.Fatal(err)
	}
}

// unrecorded are the acts that have no entry in the history, each with the reason.
var unrecorded = map[string]string{
	"KeepPreview":        "it waits for its person, who imports it or does not: an import has an entry",
	"SetStationKeyboard": "it keeps what a scanner showed of itself, and nobody sets it",
}

// changesNothingWithoutItsEntry does something where the history takes no entry.
func (s *stage) changesNothingWithoutItsEntry(do func() error) {
	s.t.Helper()
	// Of the writer alone: readers need not read the schema again.
	s.onWriter(`CREATE TEMP TRIGGER no_entry BEFORE INSERT ON main.history BEGIN SELECT RAISE(ABORT, 'no entry'); END`)
	before := s.commits()
	if err := do(); err == nil {
		s.t.Error("it is done without an entry in the history")
	}
	if s.commits() != before {
		s.t.Error("without an entry in the history, something changed")
	}
	s.onWriter(`DROP TRIGGER temp.no_entry`)
}

func (s *stage) onWriter(statement string) {
	s.t.Helper()
	if _, err := s.write.ExecContext(s.t.Context(), statement); err != nil {
		s.t.Fatal(err)
	}
}

// As one whose request began before: the person in hand is who they were then.
func TestWhoWasDeactivatedOrLostTheRoleDoesNothingMore(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	prepared := setStage(t)
	for _, name := range methodsOf(packaging.Person{}) {
		a, known := acts[name]
		if !known {
			t.Errorf(
				"DB.%s takes a person and has no row in this test: who was deactivated must do nothing by it", name,
			)
		}
		if !known || a.reads != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "lineboard.db")
			if err := os.WriteFile(file, prepared, 0o600); err != nil {
				t.Fatal(err)
			}
			d := openTicking(t, file, start, time.Millisecond)
			t.Cleanup(func() { // after the connection that the stage has
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			s := staged(t, d)
			by := s.people["ada"]
			if a.who != "" {
				by = s.people[a.who]
			}
			if a.first != nil {
				if err := a.first(s, by); err != nil {
					t.Fatalf("what must be before: %v", err)
				}
			}
			refused := func(why string) {
				t.Helper()
				before := s.commits()
				if err := a.do(s, by); packaging.CodeOf(err) != packaging.Forbidden &&
					packaging.CodeOf(err) != packaging.NotFound {
					t.Errorf("%s: %v", why, err)
				}
				if s.commits() != before {
					t.Errorf("%s, and something changed", why)
				}
			}
			s.set(`UPDATE users SET active = 0 WHERE id = ?`, by.ID)
			refused("who was deactivated")
			s.set(`UPDATE users SET active = 1 WHERE id = ?`, by.ID)
			if !packaging.Auditor.May(a.needs) {
				become(t, d, by, packaging.Auditor)
				refused("who is an auditor by now")
				become(t, d, by, by.Role)
			}
			if unrecorded[name] == "" {
				s.changesNothingWithoutItsEntry(func() error { return a.do(s, by) })
			}
			before := s.commits()
			if err := a.do(s, by); err != nil {
				t.Errorf("who may: %v", err)
			} else if s.commits() == before {
				t.Error("who may, and nothing changed")
			}
		})
	}
}

// methodsOf are the methods of the database that take one like this.
func methodsOf(like any) (names []string) {
	of := reflect.TypeFor[*DB]()
	for i := range of.NumMethod() {
		m := of.Method(i)
		in := make([]reflect.Type, m.Type.NumIn())
		for j := range in {
			in[j] = m.Type.In(j)
		}
		if slices.Contains(in, reflect.TypeOf(like)) {
			names = append(names, m.Name)
		}
	}
	return names
}

// As a program whose list was still on its way.
func TestATokenThatWasRevokedMeanwhileImportsNothing(t *testing.T) {
	d, ghent, _ := opened(t)
	admin := become(t, d, ghent, packaging.Administrator)
	if err := d.CreateToken(
		t.Context(), admin, packaging.Token{Name: "ERP", Scopes: []packaging.TokenScope{packaging.SendOrdersScope}},
		[32]byte{1},
	); err != nil {
		t.Fatal(err)
	}
	k, tenant, err := d.TokenOf(t.Context(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	holder := packaging.Person{Author: k.Author(), Tenant: tenant, Token: k.ID}
	imports(t, d, holder, packaging.Facts{Key: "a", Lot: "L"})
	if err := d.RevokeToken(t.Context(), admin, k.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Import(
		t.Context(), holder, packaging.ImportRequest{FileName: "PUT", Rows: numbered([]packaging.Facts{{Key: "b"}})},
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("import by a token that was revoked: %v", err)
	}
	// A token opens nothing else.
	if err := d.SetOtherReviewer(t.Context(), holder, true); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("set up by a token: %v", err)
	}
}

func addDisplay(s *stage, _ packaging.Person) error {
	_, _, err := s.AddDisplay(s.t.Context(), s.people["otto"], "Wall 1", "")
	return err
}
