package packaging

import (
	"slices"
	"strconv"
)

// Subject is what a change is about.
type Subject string

// The subjects.
const (
	AboutOrder  Subject = "order"  // an order, its release, or a queue that it stands in: boards show it too
	AboutStory  Subject = "story"  // the history of an order, which its own page alone shows
	AboutEntry  Subject = "entry"  // the history of all, which has a new entry
	AboutFresh  Subject = "fresh"  // how fresh the orders are
	AboutSite   Subject = "site"   // what every page of a tenant may name: the tenant, its lines
	AboutPeople Subject = "people" // who may be signed in, and what they may do
)

// Change is one thing that a transaction has changed. Keys are 0 where it is about none.
type Change struct {
	About  Subject
	Tenant TenantID
	Line   LineID
	Order  OrderID
}

// Topic is what a page can be told about: "this changed". A tenant's topics are its own.
type Topic string

// The topics of a tenant.
const (
	OrdersTopic  Topic = "orders" // any order
	HistoryTopic Topic = "history"
	CheckTopic   Topic = "check" // the check of the history that runs
	FreshTopic   Topic = "fresh"
	SiteTopic    Topic = "site"
)

// LineTopic is all that stands on one line.
func LineTopic(id LineID) Topic { return Topic("line/" + strconv.FormatInt(int64(id), 10)) }

// OrderTopic is one order.
func OrderTopic(id OrderID) Topic { return Topic("order/" + strconv.FormatInt(int64(id), 10)) }

// PeopleTopic is of no tenant: a person may belong to several.
const PeopleTopic Topic = "people"

// Of is the topic as the whole process knows it.
func (t Topic) Of(tenant TenantID) string {
	return strconv.FormatInt(int64(tenant), 10) + "/" + string(t)
}

// Topics are those that the changes belong to.
func Topics(changes []Change) (all []string) {
	for _, c := range changes {
		all = append(all, c.topics()...)
	}
	return all
}

// LinesOf are the lines that the changes are about.
func LinesOf(changes []Change) (all []LineID) {
	for _, c := range changes {
		if c.Line != 0 && !slices.Contains(all, c.Line) {
			all = append(all, c.Line)
		}
	}
	return all
}

// topics are those that the change belongs to, as the whole process knows them.
func (c Change) topics() []string {
	switch c.About {
	case AboutPeople:
		return []string{string(PeopleTopic)}
	case AboutFresh:
		return []string{FreshTopic.Of(c.Tenant)}
	case AboutSite:
		return []string{SiteTopic.Of(c.Tenant)}
	case AboutEntry:
		return []string{HistoryTopic.Of(c.Tenant)}
	case AboutStory:
		return []string{OrderTopic(c.Order).Of(c.Tenant)}
	}
	topics := []string{OrdersTopic.Of(c.Tenant)}
	if c.Line != 0 {
		topics = append(topics, LineTopic(c.Line).Of(c.Tenant))
	}
	if c.Order != 0 {
		topics = append(topics, OrderTopic(c.Order).Of(c.Tenant))
	}
	return topics
}
