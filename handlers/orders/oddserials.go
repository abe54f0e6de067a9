package orders

import (
	"context"
	"errors"

	"lineboard/internal/packaging"
	view "lineboard/views/orders"
)

// serialsAtOnce is how many serials one question looks for in other lists: each question reads which lists those are.
const serialsAtOnce = 5_000

// errEnough ends a walk through a list.
var errEnough = errors.New("enough")

// oddSerials finds the odd entries of a list, at most view.MaxOddEntries of them; more says that there are others.
func (s *Server) oddSerials(
	ctx context.Context, in packaging.Scope, o packaging.Order, r packaging.Release,
) (odd []packaging.OddSerial, more bool, err error) {
	elsewhere := r.Has(packaging.SeenBefore) || r.Has(packaging.SeenAgain)
	list := packaging.ListOf(o.ID, r.Round)
	finder, batch := packaging.NewOddFinder(), []packaging.OddSerial(nil)
	flush := func() error {
		if elsewhere && len(batch) > 0 {
			if err := s.markElsewhere(ctx, in, list, batch); err != nil {
				return err
			}
		}
		for _, one := range batch {
			if len(one.Kinds) == 0 {
				continue
			}
			if more = len(odd) == view.MaxOddEntries; more {
				return errEnough
			}
			odd = append(odd, one)
		}
		batch = batch[:0]
		return nil
	}
	err = s.Store.EachSerial(ctx, in, list, func(serial packaging.Serial) error {
		one, _ := finder.Look(serial)
		if batch = append(batch, one); len(batch) < serialsAtOnce {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return odd, more, err
}

// markElsewhere marks the entries that another list of the same product has, too.
func (s *Server) markElsewhere(
	ctx context.Context, in packaging.Scope, list packaging.ListID, entries []packaging.OddSerial,
) error {
	serials := make([]string, len(entries))
	for i, e := range entries {
		serials[i] = e.Value
	}
	other, err := s.Store.FindRepeats(ctx, in, list, serials)
	if err != nil {
		return err
	}
	for i := range entries {
		if id := other[entries[i].Value]; id != 0 {
			entries[i].Before, entries[i].Kinds = id, append(entries[i].Kinds, packaging.SeenBefore)
		}
	}
	return nil
}

// fillOdd reads which entries of an odd list are odd, and the orders that share one.
func (s *Server) fillOdd(ctx context.Context, in packaging.Scope, page *view.SerialsPage, only bool) (err error) {
	r := page.Release
	if r == nil || r.Serials == 0 || !r.HasOddEntries() {
		return nil
	}
	odd, more, err := s.oddSerials(ctx, in, page.Order, *r)
	if err != nil {
		return err
	}
	page.Odd, page.MoreOdd, page.OnlyOdd = map[int64]packaging.OddSerial{}, more, only
	page.Sharing = map[packaging.OrderID]packaging.Order{}
	for _, one := range odd {
		page.Odd[one.Seq] = one
		if one.Before == 0 || page.Sharing[one.Before].ID != 0 {
			continue
		}
		if page.Sharing[one.Before], err = s.Store.Order(ctx, in, one.Before); err != nil {
			return err
		}
	}
	if only {
		page.Serials, page.Next = nil, 0
		for _, one := range odd {
			page.Serials = append(page.Serials, one.Serial)
		}
	}
	return nil
}
