package ews

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/exgrant/exgrant/internal/aftermath"
)

// cleanupTime is how long an appointment may take to be removed after the caller has
// given up.
const cleanupTime = 30 * time.Second

// Write creates an appointment without attendees in a mailbox's calendar, reads it
// and removes it (LevelWrite): what a scheduling product is given the right for. It
// is tomorrow, a quarter of an hour long, shown as free and without a reminder.
//
// What was created is removed also after ctx has ended. Where that fails, Next says
// what was left and where.
func (p *Prober) Write(ctx context.Context, address string) Rung {
	on := Impersonated(address)
	r := Rung{Level: LevelWrite, Mailbox: address, Form: on.As.Form, Tried: "CreateItem of an appointment without attendees, GetItem, DeleteItem " + on.String()}
	start := p.config.Now().UTC().Truncate(time.Hour).AddDate(0, 0, 1)
	a := Appointment{Subject: "exgrant write test " + p.config.NewID(), Start: start, End: start.Add(15 * time.Minute),
		Body: "Made by exgrant to prove that a service account may write to this calendar, and removed at once. If you can read this, that failed: please delete it."}

	id, answer, err := p.client.CreateAppointment(ctx, on, a)
	r.Answer = answer
	if err != nil {
		r = r.fail(err)
		if mayBeThere(err) {
			r.Next += p.sweep(ctx, on, a)
		}
		return r
	}
	r.Access = Allowed
	subject, answer, readErr := p.client.GetItem(ctx, on, id)
	if readErr == nil && subject != a.Subject {
		readErr = &Error{"GetItem " + on.String(), answer, &ProtocolError{What: fmt.Sprintf("the item read back is %q", subject)}}
	}
	gone, answer, removeErr := p.remove(ctx, on, id)
	switch {
	case removeErr != nil || !gone:
		if removeErr == nil {
			removeErr = &Error{"DeleteItem " + on.String(), answer, &ProtocolError{What: "it says NoError, and the item is still there"}}
		}
		r = r.fail(removeErr)
		r.Verdict = Failed
		r.Saw = "The appointment was created and could not be removed: " + r.Saw
		r.Next = left(a, on) + " " + r.Next
	case readErr != nil:
		r = r.fail(readErr)
		r.Saw = "The appointment was created and removed, and could not be read: " + r.Saw
	default:
		r.Answer = answer
		r = r.pass("the appointment was created, read and removed, and is gone", "The account may write to this calendar")
	}
	return r
}

// mayBeThere reports whether an item may exist although its creation failed.
func mayBeThere(err error) bool {
	var network *NetworkError
	var protocol *ProtocolError
	return errors.As(err, &network) && network.Sent || errors.As(err, &protocol)
}

func left(a Appointment, on Mailbox) string {
	return fmt.Sprintf("Delete the appointment %q at %s in the calendar of %s by hand.", a.Subject, a.Start.Format("2006-01-02 15:04 MST"), on.Address)
}

// outlive returns a context for cleaning up, which ends later than the caller's.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	return aftermath.Within(ctx, cleanupTime)
}

// remove deletes an item and looks whether it is gone.
func (p *Prober) remove(ctx context.Context, on Mailbox, id ItemID) (gone bool, answer Answer, err error) {
	ctx, cancel := outlive(ctx)
	defer cancel()
	answer, err = p.client.DeleteItem(ctx, on, id)
	if err != nil && CodeOf(err) != notFound && !mayBeThere(err) {
		return false, answer, err
	}
	_, answer, readErr := p.client.GetItem(ctx, on, id)
	switch {
	case CodeOf(readErr) == notFound:
		return true, answer, nil
	case readErr == nil && err == nil:
		return false, answer, nil
	case err == nil:
		err = readErr
	}
	return false, answer, err
}

const notFound = "ErrorItemNotFound"

// sweep removes an appointment whose creation was not answered, if it is there. It
// returns what is to be said about that.
func (p *Prober) sweep(ctx context.Context, on Mailbox, a Appointment) string {
	ctx, cancel := outlive(ctx)
	defer cancel()
	view, _, err := p.client.FindAppointments(ctx, on, a.Start, a.End)
	if err != nil || !view.Complete {
		return " Whether the appointment was created is not known. " + left(a, on)
	}
	for _, id := range view.IDs {
		subject, _, err := p.client.GetItem(ctx, on, id)
		if err != nil || subject != a.Subject {
			continue
		}
		if gone, _, err := p.remove(ctx, on, id); err != nil || !gone {
			return " The appointment was created all the same. " + left(a, on)
		}
		return " The appointment was created all the same, and is removed"
	}
	return " No appointment was left"
}
