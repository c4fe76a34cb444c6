package tx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Kind says what a transaction does.
type Kind uint8

// The kinds of this version. An unknown kind is rejected, never skipped. Fields
// that a kind does not name are zero; so is the subject. Kinds with a tail
// always have one, be it empty.
const (
	// KindRegister opens the next free account slot for the key in the
	// subject field and moves amount into it.
	KindRegister Kind = 1
	// KindTransfer moves amount from one slot to another.
	KindTransfer Kind = 2
	// KindMultiTransfer moves amounts to 1 to MaxOutputs slots, all or nothing.
	// Its tail lists them (see Output); amount is their sum.
	KindMultiTransfer Kind = 3
	// KindCreateCollection opens the next free item slot for a collection that
	// the sender owns. The subject is the hash of what it is about, amount how
	// many items it may ever have (0: as many as it likes), the tail its metadata.
	KindCreateCollection Kind = 4
	// KindMint opens the next free item slot for a new item of the collection
	// whose slot is in amount, owned by slot to. The subject is the hash of its
	// content, which no other item of the collection has or had; the tail its
	// metadata. Only the collection's owner mints.
	KindMint Kind = 5
	// KindTransferItem gives the item or collection whose slot is in amount to
	// slot to. Only its owner does.
	KindTransferItem Kind = 6
	// KindBurn ends the item whose slot is in amount. Its content hash stays
	// taken. Only its owner does.
	KindBurn Kind = 7
	// KindPut stores the tail under the key in the subject field. Keys belong to
	// the sender: two senders' equal keys are different ones.
	KindPut Kind = 8
	// KindSetRole gives slot to the membership in amount (see Membership), from
	// the next block on. Only an administrator does.
	KindSetRole Kind = 9

	numKinds = 10
)

// NumKinds is one more than the largest kind, for tables indexed by Kind.
const NumKinds = int(numKinds)

// Limits of a tail.
const (
	// MaxTail is the largest tail of any kind.
	MaxTail = 4096
	// MaxOutputs is how many recipients a multi-transfer has at most.
	MaxOutputs = 256
	// OutputSize is the length of an encoded Output.
	OutputSize = 12
)

// flagTail is set in exactly the kinds that have a tail, so that the length of a
// transaction follows from its first bytes and the tail's length, whatever the
// kind.
const flagTail = 1

// uses says which fields a kind has, besides from, nonce, expiry and memo.
type uses struct {
	name                      string
	to, amount, subject, tail bool
	slot                      bool // amount is a slot, so it has 32 bits
}

var kinds = [numKinds]uses{
	KindRegister:         {name: "register", amount: true, subject: true},
	KindTransfer:         {name: "transfer", to: true, amount: true},
	KindMultiTransfer:    {name: "multi_transfer", amount: true, tail: true},
	KindCreateCollection: {name: "create_collection", amount: true, subject: true, tail: true},
	KindMint:             {name: "mint", to: true, amount: true, subject: true, tail: true, slot: true},
	KindTransferItem:     {name: "transfer_item", to: true, amount: true, slot: true},
	KindBurn:             {name: "burn", amount: true, slot: true},
	KindPut:              {name: "put", subject: true, tail: true},
	KindSetRole:          {name: "set_role", to: true, amount: true},
}

// Known tells whether this version has the kind.
func (k Kind) Known() bool { return k > 0 && k < numKinds }

// String is the kind's name as it stands in records, lower case.
func (k Kind) String() string {
	if k.Known() {
		return kinds[k].name
	}
	return fmt.Sprintf("kind_%d", uint8(k))
}

// HasTail tells whether transactions of this kind carry a tail.
func (k Kind) HasTail() bool { return k.Known() && kinds[k].tail }

// Simple tells whether the kind only moves money between accounts that exist, so
// that its execution can be spread over cores.
func (k Kind) Simple() bool { return k == KindTransfer || k == KindMultiTransfer }

// Output is one recipient of a multi-transfer: to u32, amount u64.
type Output struct {
	To     uint32
	Amount uint64
}

// AppendOutputs appends the tail of a multi-transfer.
func AppendOutputs(dst []byte, outs []Output) []byte {
	for _, o := range outs {
		dst = binary.LittleEndian.AppendUint32(dst, o.To)
		dst = binary.LittleEndian.AppendUint64(dst, o.Amount)
	}
	return dst
}

// NumOutputs is the number of recipients of a multi-transfer.
func (v View) NumOutputs() int { return len(v.Tail()) / OutputSize }

// Output returns recipient i of a multi-transfer.
func (v View) Output(i int) Output {
	b := v.Tail()[i*OutputSize:][:OutputSize]
	return Output{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[4:])}
}

// Role is what a member of the chain may do.
type Role uint8

// The roles. The zero value is what registration and genesis give.
const (
	RoleMember   Role = 0 // sends transactions
	RoleAdmin    Role = 1 // a member that gives roles
	RoleObserver Role = 2 // reads, but sends nothing
	RoleRemoved  Role = 3 // a former member; its signatures count for nothing

	numRoles = 4
)

var roleNames = [numRoles]string{"member", "admin", "observer", "removed"}

// String is the role's name as it stands in genesis files and records.
func (r Role) String() string {
	if r < numRoles {
		return roleNames[r]
	}
	return fmt.Sprintf("role_%d", uint8(r))
}

// ParseRole is the inverse of String.
func ParseRole(name string) (Role, bool) {
	for r, n := range roleNames {
		if n == name {
			return Role(r), true
		}
	}
	return 0, false
}

// Sends tells whether accounts with this role may send transactions.
func (r Role) Sends() bool { return r == RoleMember || r == RoleAdmin }

// Membership is an account's standing in the chain. The amount field of
// KindSetRole holds it: the role in the low byte, 1 in the next for a validator.
type Membership struct {
	Role      Role
	Validator bool // its key signs for the ordering engine
}

// Amount is the membership as a transaction's amount.
func (m Membership) Amount() uint64 {
	a := uint64(m.Role)
	if m.Validator {
		a |= 1 << 8
	}
	return a
}

// ParseMembership is the inverse of Amount; ok is false for every other value.
func ParseMembership(amount uint64) (m Membership, ok bool) {
	m = Membership{Role: Role(amount & 0xff), Validator: amount>>8 == 1}
	return m, m.Role < numRoles && amount == m.Amount()
}

// checkKind holds a transaction to its kind's fields.
func (v View) checkKind() error {
	k := v.Kind()
	if !k.Known() {
		return fmt.Errorf("%w: %d", ErrUnknownKind, uint8(k))
	}
	u := &kinds[k]
	amount := v.Amount()
	switch {
	case !u.to && v.To() != 0:
		return fmt.Errorf("%w: %s with recipient slot %d", ErrNotCanon, u.name, v.To())
	case !u.amount && amount != 0:
		return fmt.Errorf("%w: %s with amount %d", ErrNotCanon, u.name, amount)
	case !u.subject && !isZero(v[offSubject:offMemo]):
		return fmt.Errorf("%w: %s with a subject", ErrNotCanon, u.name)
	case u.slot && amount > math.MaxUint32:
		return fmt.Errorf("%w: %s of slot %d, slots have 32 bits", ErrNotCanon, u.name, amount)
	}
	if k == KindMultiTransfer {
		return v.checkOutputs()
	}
	if k == KindSetRole {
		if _, ok := ParseMembership(amount); !ok {
			return fmt.Errorf("%w: set_role to %#x, which is no membership", ErrNotCanon, amount)
		}
	}
	return nil
}

// checkOutputs holds a multi-transfer's tail to its form and its sum.
func (v View) checkOutputs() error {
	n, odd := v.NumOutputs(), len(v.Tail())%OutputSize
	if odd != 0 || n == 0 || n > MaxOutputs {
		return fmt.Errorf("%w: a multi-transfer with a tail of %d bytes, want 1 to %d recipients of %d",
			ErrNotCanon, len(v.Tail()), MaxOutputs, OutputSize)
	}
	var sum uint64
	for i := range n {
		a := v.Output(i).Amount
		if a > math.MaxUint64-sum {
			return fmt.Errorf("%w: the amounts up to recipient %d exceed 2^64-1", ErrNotCanon, i)
		}
		sum += a
	}
	if sum != v.Amount() {
		return fmt.Errorf("%w: a multi-transfer of %d whose recipients get %d", ErrNotCanon, v.Amount(), sum)
	}
	return nil
}
