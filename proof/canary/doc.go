// Package canary looks for what must not get out. Its tests run the real
// program between tools that are as indiscreet as tools can be, with a random
// text in every field of the configuration that holds a secret, in the e-mail
// address and the name of every customer, and in the name of an editor. Then
// they search everything the program wrote.
//
// The fields that hold secrets are those that the configuration declares
// (config.Secret, writeOnly in the schema). A new one fails
// TestEverySecretOfTheConfigurationIsPlanted until settings in world_test.go
// plants it; what a connector does with it is exercised by giving its
// connection a sync and a tool there.
//
// Invariants that the tests hold the product to:
//
//  1. A secret stands nowhere: in no output of any command, no log line at any
//     level, no metric, no answer, no export and not in the database, whether
//     plain, in hex, in base64 or percent-encoded, nor half of it.
//  2. A customer's address and name stand in the database where they are needed
//     and nowhere else in it: in the events as they came, in the column that
//     trueup explain looks an address up in, and in those that people read a name from.
//  3. They are shown by trueup events show, which shows an event as it came and
//     says so in its help, and by what shows a person whom a link would join:
//     exceptions compare, exceptions link, links set. A name is shown beside the id
//     to whoever settles exceptions: by exceptions and explain. No log, error,
//     metric, message or answer has them.
//  4. Who edited a record is stored, and shown by trueup explain, because a
//     person decides by it. No log and no metric has it.
package canary
