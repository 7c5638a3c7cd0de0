package status

// Alarm is what keeps a sync from working as it should, and needs a person.
type Alarm string

// The alarms.
const (
	AlarmSilent           Alarm = "silent"            // no webhook for longer than the sync's rhythm
	AlarmConnectionFailed Alarm = "connection_failed" // an exception says so
	AlarmQueueOld         Alarm = "queue_old"         // customers have been due for too long
	AlarmOverdue          Alarm = "overdue"           // exceptions have been open for too long
	AlarmHalted           Alarm = "halted"            // by mass_change
	AlarmPaused           Alarm = "paused"            // by a person
)

// Alarms lists the closed set in the order people read it.
var Alarms = []Alarm{AlarmSilent, AlarmConnectionFailed, AlarmQueueOld, AlarmOverdue, AlarmHalted, AlarmPaused}
