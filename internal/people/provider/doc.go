// Package provider asks an identity provider by OpenID Connect who somebody is: the
// authorization code flow with PKCE, state and nonce.
//
// Main types: Provider (Begin sends a browser to it, Finish reads what it comes back
// with), Identity (whom it has vouched for), Error (why it has not).
//
// Invariants:
//
//  1. Who somebody is, is the issuer and the subject. An address or a name is not.
//  2. State, nonce and code verifier come from one secret that only the browser has
//     which began, and that is used once.
//  3. The provider is asked when somebody signs in, never at the start: Trueup works
//     while it is down.
//  4. No text of the provider is shown, and none but its error codes is logged.
//
// It must not import the pages or the store.
package provider
