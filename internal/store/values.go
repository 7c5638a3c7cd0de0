package store

import "time"

// valueColumns are the three values of a customer, in the order of values.
const valueColumns = `
desired_source_value, desired_status, desired_value, desired_at, desired_seen_at, desired_since, desired_event, desired_event_at,
observed_status, observed_value, observed_at, observed_by, observed_seen_at,
base_known, base_record_id, base_status, base_value, base_by, base_at, base_seen_at,
base_sent, base_unverified`

// values scans valueColumns.
type values struct {
	desired  *Desired
	observed *Observed
	base     *Base

	desiredAt, desiredSeenAt, desiredSince, desiredEventAt, observedAt, observedSeenAt, baseKnown, baseAt, baseSeenAt, unverified int64
}

func (v *values) into() []any {
	d, o, b := v.desired, v.observed, v.base
	return []any{&d.SourceValue, &d.Status, &d.Value, &v.desiredAt, &v.desiredSeenAt, &v.desiredSince, &d.Event, &v.desiredEventAt,
		&o.Status, &o.Value, &v.observedAt, &o.By, &v.observedSeenAt,
		&v.baseKnown, &b.RecordID, &b.Status, &b.Value, &b.By, &v.baseAt, &v.baseSeenAt,
		&b.Sent, &v.unverified}
}

// finish turns the scanned numbers into what they mean.
func (v *values) finish() {
	v.desired.At, v.desired.SeenAt, v.desired.Since, v.desired.EventAt = at(v.desiredAt), at(v.desiredSeenAt), at(v.desiredSince), at(v.desiredEventAt)
	v.observed.At, v.observed.SeenAt = at(v.observedAt), at(v.observedSeenAt)
	v.base.Known, v.base.At, v.base.SeenAt = v.baseKnown == 1, at(v.baseAt), at(v.baseSeenAt)
	v.base.Unverified = v.unverified == 1
}

// rulingColumns are an owner's ruling, in the order of ruling.
const rulingColumns = "ruling, ruling_desired, ruling_observed, ruling_record_at, ruling_until, ruling_at, ruling_by"

// ruling scans rulingColumns.
type ruling struct {
	into                *Ruling
	recordAt, until, at int64
}

func (r *ruling) columns() []any {
	return []any{&r.into.Kind, &r.into.Desired, &r.into.Observed, &r.recordAt, &r.until, &r.at, &r.into.By}
}

func (r *ruling) finish() {
	r.into.RecordAt, r.into.Until, r.into.At = at(r.recordAt), at(r.until), at(r.at)
}

// ms and at turn times into what is stored and back.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
