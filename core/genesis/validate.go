package genesis

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/chainweir/weir/core/tx"
)

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Validate checks every limit and names the value that breaks one.
func (g *Genesis) Validate() error {
	switch {
	case g.Schema != Schema:
		return bad("schema is %q, want %q", g.Schema, Schema)
	case g.Name == "" || len(g.Name) > maxNameBytes:
		return bad("name has %d bytes, want 1 to %d", len(g.Name), maxNameBytes)
	case !utf8.ValidString(g.Name):
		return bad("name %q is not UTF-8", g.Name)
	case g.TimeNS > math.MaxInt64:
		return bad("time_unix_ns is %d, want at most %d", g.TimeNS, int64(math.MaxInt64))
	case g.Rules.MaxBlockTxs == 0 || g.Rules.MaxBlockTxs > MaxBlockTxs:
		return bad("rules.max_block_txs is %d, want 1 to %d", g.Rules.MaxBlockTxs, MaxBlockTxs)
	case g.Rules.MaxBlockBytes < tx.Size || g.Rules.MaxBlockBytes > MaxBlockBytes:
		return bad("rules.max_block_bytes is %d, want %d to %d", g.Rules.MaxBlockBytes, tx.Size, MaxBlockBytes)
	}
	if g.Derived != nil && (g.Derived.Count == 0 || len(g.Derived.Seed) > maxNameBytes) {
		return bad("derived has the count %d and a seed of %d bytes, want 1 or more and at most %d",
			g.Derived.Count, len(g.Derived.Seed), maxNameBytes)
	}
	if g.Derived != nil && !utf8.ValidString(g.Derived.Seed) {
		return bad("derived.seed %q is not UTF-8", g.Derived.Seed)
	}
	if n := g.NumAccounts(); n == 0 || n > MaxAccounts {
		return bad("%d accounts, want 1 to %d", n, MaxAccounts)
	}
	if err := g.checkMembers(); err != nil {
		return err
	}
	return g.checkAccounts()
}

// checkAccounts holds the accounts to a total that fits and to different keys.
func (g *Genesis) checkAccounts() error {
	var total uint64
	for i, a := range g.Accounts {
		if a.Balance > math.MaxUint64-total {
			return bad("the balances up to account %d exceed 2^64-1", i)
		}
		total += a.Balance
	}
	if d := g.Derived; d != nil && d.Balance > (math.MaxUint64-total)/uint64(d.Count) {
		return bad("%d derived balances of %d exceed 2^64-1 in total", d.Count, d.Balance)
	}
	if d := g.Derived; d != nil && len(g.Accounts) > 0 {
		if i := g.derivedAmong(); i >= 0 {
			return bad("account %d has the public key of a derived account", i)
		}
	}
	seen := make(map[Key]int, len(g.Accounts))
	for i, a := range g.Accounts {
		if j, dup := seen[a.PublicKey]; dup {
			return bad("accounts %d and %d have the same public key", j, i)
		}
		seen[a.PublicKey] = i
	}
	return nil
}

// checkMembers holds the rule of registration and the roles to those there are.
func (g *Genesis) checkMembers() error {
	switch g.Rules.Registration {
	case "", RegistrationOpen, RegistrationAdmin:
	default:
		return bad("rules.registration is %q, want %q or %q", g.Rules.Registration, RegistrationOpen, RegistrationAdmin)
	}
	admins := 0
	for i := range g.Accounts {
		a := &g.Accounts[i]
		role, ok := tx.ParseRole(a.Role)
		switch {
		case a.Role != "" && (!ok || role == tx.RoleRemoved):
			return bad("account %d has the role %q, want %q, %q or %q", i, a.Role, tx.RoleMember, tx.RoleAdmin, tx.RoleObserver)
		case role == tx.RoleAdmin:
			admins++
		}
	}
	if g.Rules.AdminRegistration() && admins == 0 {
		return bad("rules.registration is %q and no account has the role %q: nobody could ever be registered", RegistrationAdmin, tx.RoleAdmin)
	}
	return nil
}
