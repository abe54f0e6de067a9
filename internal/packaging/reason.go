package packaging

// Reason tells apart why a release was refused, or why its outcome is unknown. It picks the sentence that a person
// reads; the API's own text stands beside it in [Release.Message].
type Reason string

// Reasons of the API's documented error table, each proof that nothing was released.
const (
	NoReason       Reason = ""
	NoToken        Reason = "no_token"        // ERR0001
	TokenRejected  Reason = "token_rejected"  // ERR0000, again after a renewal or with a static token
	ChannelKey     Reason = "channel_key"     // channel key missing or wrong
	BodyNotParsed  Reason = "body_not_parsed" // the API could not read our request
	NotValid       Reason = "not_valid"       // "Validation error"
	OrderNotFound  Reason = "order_not_found"
	WrongStatus    Reason = "wrong_status"     // the order is not in Pending release; Answer.Status names its status
	OtherRefusal   Reason = "other_refusal"    // a "no" in words that are not documented, which prove nothing
	SignInRejected Reason = "sign_in_rejected" // API key or secret not accepted, nothing was sent
	SignInFailed   Reason = "sign_in_failed"   // no answer that can be read from sign-in, nothing was sent
	// the tenant's credentials are missing or can't be opened, nothing was sent
	NotConfigured Reason = "not_configured"
	NotConnected  Reason = "not_connected"   // no connection was made (name, network, TLS), nothing was sent
	Throttled     Reason = "throttled"       // 429, or not sent because of one
	CloudDown     Reason = "cloud_down"      // the last calls got no answer, so this one was not sent
	NotAnchored   Reason = "not_anchored"    // the claim could not be kept outside the database, nothing was sent
	NotCopied     Reason = "not_copied"      // the copy was not confirmed or could not be asked, nothing was sent
	TakenOver     Reason = "taken_over"      // another Lineboard took over, nothing was sent
	NotCarriedOut Reason = "not_carried_out" // what StillPending was called before; old records have it
	StillPending  Reason = "still_pending"   // settled by a sign: the order was in Pending release when asked twice
	ByWord        Reason = "by_word"         // settled by a person who said so
)

// Reasons of an unknown outcome. Calls that only read fail with them too.
const (
	TimedOut    Reason = "timed_out"
	Cut         Reason = "cut"          // the connection broke after the request was sent
	ServerError Reason = "server_error" // 5xx without a documented message
	Unreadable  Reason = "unreadable"   // not the documented answer: HTML, cut-off JSON, empty, wrong types, too large
	Interrupted Reason = "interrupted"  // Lineboard stopped while the call was under way
	RecordLost  Reason = "record_lost"  // it was requested before the database went back in time; see [Release.Lost]
	NotStored   Reason = "not_stored"   // an answer came, and the database refuses it

	// StatusContradicts: what the release was settled as does not fit a status that came later.
	StatusContradicts Reason = "contradicted"
)
