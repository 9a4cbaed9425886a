package exchangesim

import (
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A record is one object of the directory: the versions of it that some domain
// controller may still show, oldest first. The values are never changed, only
// followed by others.
type record[T any] struct {
	GUID     exchange.GUID `json:"guid"`
	Versions []version[T]  `json:"versions"`
}

// A version is the state of an object since a write. A nil Value is a deletion.
// The zero DC is no write but the beginning, which every domain controller has.
type version[T any] struct {
	Value *T        `json:"value"`
	DC    string    `json:"dc,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// A replica is what one domain controller holds at one moment.
type replica struct {
	dc    string
	now   time.Time
	delay time.Duration
}

// see returns the object as the replica has it, nil when it has none.
func see[T any](r replica, rec *record[T]) *T {
	for i := len(rec.Versions) - 1; i >= 0; i-- {
		v := &rec.Versions[i]
		if v.DC == "" || v.DC == r.dc || !r.now.Before(v.At.Add(r.delay)) {
			return v.Value
		}
	}
	return nil
}

// latest returns the object as every domain controller will have it.
func latest[T any](rec *record[T]) *T { return rec.Versions[len(rec.Versions)-1].Value }

// original makes a record that every domain controller has.
func original[T any](guid exchange.GUID, value *T) *record[T] {
	return &record[T]{guid, []version[T]{{Value: value}}}
}

// write adds a version and drops those that no domain controller shows any more.
func write[T any](r replica, rec *record[T], value *T) {
	old := 0
	for i, v := range rec.Versions {
		if v.DC == "" || !r.now.Before(v.At.Add(r.delay)) {
			old = i
		}
	}
	rec.Versions = append(append([]version[T]{}, rec.Versions[old:]...), version[T]{value, r.dc, r.now})
}

// seen returns the objects that the replica has, in the order of their creation.
func seen[T any](r replica, recs []*record[T]) []*T {
	values := make([]*T, 0, len(recs))
	for _, rec := range recs {
		if v := see(r, rec); v != nil {
			values = append(values, v)
		}
	}
	return values
}

// find returns the record with the given GUID, nil when there is none.
func find[T any](recs []*record[T], guid exchange.GUID) *record[T] {
	for _, rec := range recs {
		if rec.GUID == guid {
			return rec
		}
	}
	return nil
}
