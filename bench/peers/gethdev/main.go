// Command gethdev is go-ethereum in developer mode, as a server for
// measurements: one node that makes its own blocks, with JSON-RPC over HTTP and
// WebSocket on one loopback port. It is built from go-ethereum's packages node,
// eth and eth/catalyst, as `geth --dev` is; cmd/geth itself does not install,
// because a command line dependency of it cannot be reached.
//
// It prints one line of JSON when it is ready, and ends when its input ends.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

// Ready is the line that the program prints.
type Ready struct {
	Schema  string `json:"schema"`   // weir.gethdev/1
	Addr    string `json:"addr"`     // host:port of HTTP and of WebSocket
	ChainID uint64 `json:"chain_id"` // 1337, as geth --dev
	Key     string `json:"key"`      // private key of the account that has the money, hex
	Version string `json:"version"`  // of go-ethereum
}

// devKey is the key of the funded account. It is no secret: go-ethereum's own
// developer mode has one that everybody knows, too.
const devKey = "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"

type options struct {
	addr     string
	port     int
	data     string
	period   uint64
	gasLimit uint64
	slots    uint64
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1", "address to listen on")
	flag.IntVar(&o.port, "port", 0, "port of HTTP and WebSocket; 0: a free one")
	flag.StringVar(&o.data, "data", "", "folder of the chain; empty: in memory, as geth --dev")
	flag.Uint64Var(&o.period, "period", 0, "seconds between blocks; 0: a block as soon as there is something for it")
	flag.Uint64Var(&o.gasLimit, "gas-limit", 1_000_000_000, "gas of a block; the default is never half full, so that the base fee does not rise")
	flag.Uint64Var(&o.slots, "pool-slots", 65_536, "transactions that the pool keeps")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "gethdev: %q is no flag; see gethdev -h\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := serve(o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gethdev:", err)
		os.Exit(1)
	}
}

// serve runs the node until in ends.
func serve(o options, in io.Reader, out io.Writer) (err error) {
	log.SetDefault(log.NewLogger(log.NewTerminalHandlerWithLevel(os.Stderr, slog.LevelWarn, false)))
	key, err := crypto.HexToECDSA(devKey)
	if err != nil {
		return err
	}
	faucet := crypto.PubkeyToAddress(key.PublicKey)
	stack, err := node.New(nodeConfig(o))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Close()) }()
	backend, err := eth.New(stack, ethConfig(o, faucet))
	if err != nil {
		return err
	}
	stack.RegisterAPIs([]rpc.API{{
		Namespace: "eth", Service: filters.NewFilterAPI(filters.NewFilterSystem(backend.APIBackend, filters.Config{})),
	}})
	beacon, err := catalyst.NewSimulatedBeacon(o.period, faucet, backend)
	if err != nil {
		return err
	}
	catalyst.RegisterSimulatedBeaconAPIs(stack, beacon)
	stack.RegisterLifecycle(beacon)
	if err := stack.Start(); err != nil {
		return err
	}
	if o.period == 0 {
		// The first block ends the wait for a consensus client.
		beacon.Commit()
	}
	addr, err := hostPort(stack.HTTPEndpoint())
	if err != nil {
		return err
	}
	err = json.NewEncoder(out).Encode(Ready{
		Schema: "weir.gethdev/1", Addr: addr, ChainID: params.AllDevChainProtocolChanges.ChainID.Uint64(),
		Key: devKey, Version: version(),
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

func nodeConfig(o options) *node.Config {
	c := node.DefaultConfig
	c.Name, c.DataDir = "gethdev", o.data
	c.HTTPHost, c.HTTPPort = o.addr, o.port
	// The same address and port: one server for both.
	c.WSHost, c.WSPort = o.addr, o.port
	c.HTTPModules = []string{"eth", "net", "web3", "txpool"}
	c.WSModules = c.HTTPModules
	c.AuthAddr, c.AuthPort = "127.0.0.1", 0
	c.UseLightweightKDF = true
	c.P2P = p2p.Config{NoDiscovery: true, NoDial: true}
	return &c
}

func ethConfig(o options, faucet common.Address) *ethconfig.Config {
	c := ethconfig.Defaults
	c.NetworkId = params.AllDevChainProtocolChanges.ChainID.Uint64()
	c.SyncMode = ethconfig.FullSync
	c.Genesis = core.DeveloperGenesisBlock(o.gasLimit, &faucet)
	c.Miner.GasCeil = o.gasLimit
	c.Miner.PendingFeeRecipient = faucet
	c.Miner.GasPrice = big.NewInt(1) // as geth --dev
	c.LogNoHistory = true
	c.TxPool.NoLocals = true
	c.TxPool.Journal = ""
	c.TxPool.GlobalSlots, c.TxPool.GlobalQueue = o.slots, o.slots
	// One sender account may have as much as waits in all: load comes from few.
	c.TxPool.AccountSlots, c.TxPool.AccountQueue = 4096, 4096
	return &c
}
