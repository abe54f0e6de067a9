package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lineboard/internal/packaging"
)

// State is how a running Lineboard is at a moment. A zero time means that there is none.
type State struct {
	Now             time.Time
	Sites           []Site
	Held            int // answers of the API that wait to be stored
	Pages           int // open ones
	DatabaseBytes   int64
	LogBytes        int64
	Backups         packaging.Backups
	Check           packaging.SelfCheck
	Copied          packaging.CopyState
	Writer          []packaging.WriterTimes
	CertificateEnds time.Time
}

// Site is how a tenant is.
type Site struct {
	Slug          string
	APIDown       bool
	OrdersAsOf    time.Time // of the newest refresh that worked
	Unknown       int       // outcomes of releases
	OldestUnknown time.Time // when the oldest of these was requested
	Waiting       packaging.Waiting
}

// stateCollector turns a state into metrics at each scrape.
type stateCollector struct {
	state func(ctx context.Context) (State, error)
	log   *slog.Logger
}

// scrapeLimit is how long the state may take to be read.
const scrapeLimit = 5 * time.Second

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lineboard_"+name, help, labels, nil)
}

var (
	apiDown         = describe("api_down", "1 while the API of a site counts as down and calls end at once.", "site")
	ordersAge       = describe("orders_age_seconds", "Time since the orders of a site were last refreshed.", "site")
	unknownOutcomes = describe("unknown_outcomes", "Releases of a site whose outcome is unknown.", "site")
	unknownAge      = describe(
		"unknown_outcome_age_seconds", "Age of the oldest release of a site whose outcome is unknown; 0 without one.",
		"site",
	)
	deliveries = describe(
		"deliveries", "Serial lists of a site that their destinations do not have yet, by state.", "site", "state",
	)
	deliveryAge = describe(
		"delivery_age_seconds", "Time for which such a list has been in its state at most; 0 without one.", "site",
	)
	alarms        = describe("alarms", "Alarms of a site that last.", "site")
	messages      = describe("alarm_messages", "Messages about alarms of a site that wait to be sent.", "site")
	messageAge    = describe("alarm_message_age_seconds", "Age of the oldest such message; 0 without one.", "site")
	answersHeld   = describe("answers_held", "Answers of the API that wait to be stored.")
	openPages     = describe("open_pages", "Open pages that get updates.")
	databaseBytes = describe("database_bytes", "Size of the database file.")
	logBytes      = describe("wal_bytes", "Size of the database's write-ahead log.")
	backupAge     = describe("backup_age_seconds", "Age of the newest proven backup; absent without one.")
	backupFailed  = describe("backup_failed", "1 if the last backup failed.")
	dataFaulty    = describe(
		"data_faulty", "1 if the check since the start found a fault, or can't end: releases are stopped.",
	)
	verifiedAt = describe(
		"verified_timestamp_seconds", "When the check since the start ended; absent while it runs.",
	)
	unanchored = describe("history_unanchored", "1 if the last anchor of the history could not be written.")
	copyLag    = describe(
		"copy_lag_seconds",
		"Time since when something is missing from the copy; 0 if nothing is, absent without a copy.",
	)
	copyConfirmed = describe(
		"copy_confirmed_timestamp_seconds", "As of when everything is in the copy; absent before the first time.",
	)
	copyFailed      = describe("copy_failed", "1 if the last wait for the copy failed; absent without a copy.")
	copyEpoch       = describe("copy_epoch", "Epoch in which this Lineboard releases; absent without a standby.")
	takenOver       = describe("taken_over", "1 if another Lineboard took over; absent without a copy.")
	certificateEnds = describe(
		"certificate_end_timestamp_seconds", "When the TLS certificate ends; absent without one.",
	)
	writerWait  = describe("writer_wait_seconds", "Time that transactions waited for the writer.", "kind")
	writerHold  = describe("writer_hold_seconds", "Time that transactions held the writer.", "kind")
	stateUnread = describe("state_unread", "1 if the state could not be read for this scrape.")
)

// Describe sends all descriptions.
func (c stateCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		apiDown, ordersAge, unknownOutcomes, unknownAge, deliveries, deliveryAge, alarms, messages, messageAge,
		answersHeld,
		openPages, databaseBytes, logBytes, backupAge, backupFailed, dataFaulty, verifiedAt, unanchored,
		certificateEnds,
		writerWait, writerHold, stateUnread, copyLag, copyConfirmed, copyFailed, copyEpoch, takenOver,
	} {
		to <- d
	}
}

// Collect reads the state and sends it. If it can't be read, it says so, logs why, and sends nothing else.
func (c stateCollector) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
	defer cancel()
	s, err := c.state(ctx)
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(stateUnread, number(err != nil))
	if err != nil {
		c.log.Warn("metrics of the state can't be read", "err", err)
		return
	}
	for _, site := range s.Sites {
		collectSite(s.Now, site, gauge)
	}
	gauge(answersHeld, float64(s.Held))
	gauge(openPages, float64(s.Pages))
	gauge(databaseBytes, float64(s.DatabaseBytes))
	gauge(logBytes, float64(s.LogBytes))
	if !s.Backups.Last.IsZero() {
		gauge(backupAge, s.Now.Sub(s.Backups.Last).Seconds())
	}
	gauge(backupFailed, number(s.Backups.Problem != ""))
	gauge(dataFaulty, number(s.Check.Stops()))
	gauge(unanchored, number(s.Check.Unanchored != ""))
	if !s.Check.Ended.IsZero() {
		gauge(verifiedAt, float64(s.Check.Ended.Unix()))
	}
	if !s.CertificateEnds.IsZero() {
		gauge(certificateEnds, float64(s.CertificateEnds.Unix()))
	}
	collectCopy(s, gauge)
	for _, w := range s.Writer {
		to <- histogramOf(writerWait, w.Waits, kindOf(w.Turn))
		to <- histogramOf(writerHold, w.Holds, kindOf(w.Turn))
	}
}

func collectCopy(s State, gauge func(*prometheus.Desc, float64, ...string)) {
	c := s.Copied
	if !c.On {
		return
	}
	gauge(copyLag, c.Lag(s.Now).Seconds())
	gauge(copyFailed, number(c.Problem != ""))
	gauge(takenOver, number(c.TakenOver != nil))
	if !c.Confirmed.IsZero() {
		gauge(copyConfirmed, float64(c.Confirmed.UnixMilli())/1000)
	}
	if c.Standby != nil {
		gauge(copyEpoch, float64(c.Standby.Number))
	}
}

func collectSite(now time.Time, site Site, gauge func(*prometheus.Desc, float64, ...string)) {
	gauge(apiDown, number(site.APIDown), site.Slug)
	if !site.OrdersAsOf.IsZero() {
		gauge(ordersAge, now.Sub(site.OrdersAsOf).Seconds(), site.Slug)
	}
	gauge(unknownOutcomes, float64(site.Unknown), site.Slug)
	gauge(unknownAge, age(now, site.OldestUnknown), site.Slug)
	for _, state := range packaging.DeliveryStates {
		if (packaging.Delivery{State: state}).Open() {
			gauge(deliveries, float64(site.Waiting.Lists[state]), site.Slug, string(state))
		}
	}
	gauge(deliveryAge, age(now, site.Waiting.OldestList), site.Slug)
	gauge(alarms, float64(site.Waiting.Alarms), site.Slug)
	gauge(messages, float64(site.Waiting.Messages), site.Slug)
	gauge(messageAge, age(now, site.Waiting.OldestMessage), site.Slug)
}

// age returns how long ago a moment was, in seconds; 0 for none.
func age(now, at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return now.Sub(at).Seconds()
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func kindOf(t packaging.WriterTurn) string {
	switch t {
	case packaging.ReleaseTurn:
		return "release"
	case packaging.PersonTurn:
		return "person"
	}
	return "background"
}

func histogramOf(d *prometheus.Desc, h packaging.Histogram, labels ...string) prometheus.Metric {
	buckets, count := map[float64]uint64{}, uint64(0)
	for i, n := range h.Counts {
		count += uint64(n) //nolint:gosec // counts are never below zero
		if i < len(h.Bounds) {
			buckets[h.Bounds[i].Seconds()] = count
		}
	}
	return prometheus.MustNewConstHistogram(d, count, h.Sum.Seconds(), buckets, labels...)
}
