// Package people lets persons in who use the pages: sign-in by password or by an
// identity provider, sessions, and the links by which the first person and invited ones come in.
//
// Main types: Door (signs in, out, and says who is there), Try (one attempt), Account
// (what a person chooses at a link). Door.FromRequest says whose session a request
// belongs to; Door.Arrive lets in whom the package provider has an Identity of.
//
// Invariants:
//
//  1. Passwords are stored as argon2id hashes; tokens of sessions and links as SHA-256
//     hashes of 256 random bits. None is ever logged, and no error quotes one.
//  2. An attempt is counted before its password is compared, and it takes the same
//     time whether or not there is such a person.
//  3. Nobody is locked out: a delay ends by itself, and from an address that a person
//     has signed in from, other people's failures do not delay that person.
//  4. A session that has ended, for whatever reason, opens nothing again.
//  5. There is always an admin, once there is a person.
//  6. An address that a provider names makes nobody a person who is here already,
//     unless the file and the provider both say so.
//
// It must not import the pages, the pipeline or a connector. Time is the store's.
package people
