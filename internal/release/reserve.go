package release

import (
	"errors"

	"lineboard/internal/packaging"
)

// Reserve has room for answers that the database can't take. The room is taken before a release is claimed, so that a
// full disk can't leave an answer without a place.
type Reserve interface {
	// Take takes the room for one answer of a tenant's API. It fails with Unavailable if there is none.
	Take(at packaging.Tenant) (Room, error)
	// Ready fails as Take would.
	Ready() error
}

// Room is where one answer can be kept until the database takes it, over a restart too.
type Room interface {
	// Keep stores an answer durably. It replaces one that the room kept before.
	Keep(o packaging.Order, answer packaging.Answer) error
	// Free forgets the answer and gives the room back.
	Free()
}

// KeepAnswersIn has r keep answers in a reserve while the database can't take them. Without one they are lost when r is
// stopped meanwhile. It must be called before the first release.
func (r *Releaser) KeepAnswersIn(reserve Reserve) { r.reserve = reserve }

// takeRoom takes room for the answer of a release at a tenant.
func (r *Releaser) takeRoom(at packaging.Tenant) (Room, error) {
	if r.reserve == nil {
		return nowhere{}, nil
	}
	return r.reserve.Take(at)
}

// nowhere is no room.
type nowhere struct{}

func (nowhere) Keep(packaging.Order, packaging.Answer) error { return errNowhere }
func (nowhere) Free()                                        {}

// errNowhere is why an answer is not kept without a reserve.
var errNowhere = errors.New("there is no reserve")
