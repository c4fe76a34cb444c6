package tx

import "fmt"

// Status is what became of a transaction at one stage of the node.
type Status uint8

// The statuses. They are part of the client protocol: numbers never change.
const (
	StatusOK            Status = 0
	StatusMalformed     Status = 1  // not the canonical encoding, or an unknown kind
	StatusUnknownSender Status = 2  // the sender's slot is not registered
	StatusBadSignature  Status = 3  // the Ed25519 signature does not verify (ZIP-215)
	StatusNonceUsed     Status = 4  // replayed, or older than the window of 128
	StatusNonceTooFar   Status = 5  // more than 2^20 ahead of the sender's highest
	StatusExpired       Status = 6  // the chain has passed the expiry height
	StatusBusy          Status = 7  // the node's queue is full; try again later
	StatusStopping      Status = 8  // the node is shutting down
	StatusInsufficient  Status = 9  // the sender's balance is too small
	StatusUnknownTo     Status = 10 // the recipient's slot is not registered
	StatusKeyTaken      Status = 11 // the key to register has an account already
	StatusOverflow      Status = 12 // the recipient's balance would overflow
	StatusInternal      Status = 13 // the node failed; see its log
	StatusNotMember     Status = 14 // the sender is an observer or was removed
	StatusNotAllowed    Status = 15 // only an administrator may do this
	StatusNoCollection  Status = 16 // there is no such collection
	StatusNoItem        Status = 17 // there is no such item, or it is burnt
	StatusNotOwner      Status = 18 // somebody else owns it
	StatusDuplicate     Status = 19 // the collection has or had an item with this content
	StatusFull          Status = 20 // the collection has all the items it may have
	numStatus           Status = 21
)

// NumStatus is the number of statuses, for tables indexed by Status.
const NumStatus = int(numStatus)

var statusNames = [NumStatus]string{
	"ok", "malformed", "unknown_sender", "bad_signature", "nonce_used", "nonce_too_far",
	"expired", "busy", "stopping", "exec:insufficient_funds", "exec:unknown_recipient",
	"exec:key_taken", "exec:overflow", "internal", "not_member", "exec:not_allowed",
	"exec:unknown_collection", "exec:unknown_item", "exec:not_owner", "exec:duplicate_item",
	"exec:collection_full",
}

// String returns the reason as it stands in records: lower case, with the
// prefix "exec:" where the transaction was accepted first and failed later.
func (s Status) String() string {
	if int(s) < NumStatus {
		return statusNames[s]
	}
	return fmt.Sprintf("status_%d", uint8(s))
}
