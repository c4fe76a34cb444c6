package grpcapi

import (
	"context"
	"encoding/binary"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chainweir/weir/core/rpc/grpcapi/weirv1"
	"github.com/chainweir/weir/core/tx"
	"github.com/chainweir/weir/core/wire"
)

// Health implements weirv1.NodeServer.
func (s *Server) Health(ctx context.Context, _ *weirv1.HealthRequest) (*weirv1.HealthResponse, error) {
	b, err := s.ask(ctx, wire.QueryHealth, nil)
	if err != nil {
		return nil, err
	}
	h, err := wire.ParseHealth(b)
	if err != nil {
		return nil, broken(err)
	}
	return &weirv1.HealthResponse{
		State: weirv1.HealthResponse_State(h.Status), Error: h.Text,
		Height: h.Height, ExecutedHeight: h.Executed, HeadTimeNs: h.HeadTimeNS, HeadAgeNs: h.HeadAgeNS,
		Index: weirv1.HealthResponse_Index(h.Index), IndexedHeight: h.Indexed,
	}, nil
}

// Head implements weirv1.NodeServer.
func (s *Server) Head(ctx context.Context, _ *weirv1.HeadRequest) (*weirv1.HeadResponse, error) {
	b, err := s.ask(ctx, wire.QueryHead, nil)
	if err != nil {
		return nil, err
	}
	h, err := tx.ParseHeader(b)
	if err != nil {
		return nil, broken(err)
	}
	chain := s.node.Welcome().ChainID
	return &weirv1.HeadResponse{Header: b[:tx.HeaderSize], Hash: b[tx.HeaderSize:], Height: h.Height, ChainId: chain[:]}, nil
}

// GetAccount implements weirv1.NodeServer.
func (s *Server) GetAccount(ctx context.Context, r *weirv1.GetAccountRequest) (*weirv1.RecordResponse, error) {
	return s.record(ctx, wire.QueryAccount, binary.LittleEndian.AppendUint32(nil, r.GetSlot()))
}

// GetItem implements weirv1.NodeServer.
func (s *Server) GetItem(ctx context.Context, r *weirv1.GetItemRequest) (*weirv1.RecordResponse, error) {
	return s.record(ctx, wire.QueryItem, binary.LittleEndian.AppendUint32(nil, r.GetSlot()))
}

// GetKey implements weirv1.NodeServer.
func (s *Server) GetKey(ctx context.Context, r *weirv1.GetKeyRequest) (*weirv1.RecordResponse, error) {
	if len(r.GetKey()) != 32 {
		return nil, status.Errorf(codes.InvalidArgument, "a key of %d bytes, give 32", len(r.GetKey()))
	}
	b, err := s.ask(ctx, wire.QueryKey, append(binary.LittleEndian.AppendUint32(nil, r.GetOwner()), r.GetKey()...))
	if err != nil {
		return nil, err
	}
	a, err := wire.ParseKeyAnswer(b)
	if err != nil {
		return nil, broken(err)
	}
	resp := recordResponse(&a.RecordAnswer)
	if a.HasValue {
		resp.Value = append([]byte{}, a.Value...) // an empty value is one, too
	}
	return resp, nil
}

func (s *Server) record(ctx context.Context, kind uint8, args []byte) (*weirv1.RecordResponse, error) {
	b, err := s.ask(ctx, kind, args)
	if err != nil {
		return nil, err
	}
	a, err := wire.ParseRecordAnswer(b)
	if err != nil {
		return nil, broken(err)
	}
	return recordResponse(&a), nil
}

func recordResponse(a *wire.RecordAnswer) *weirv1.RecordResponse {
	p := &weirv1.StateProof{Tree: uint32(a.Proof.Tree), Slot: a.Proof.Slot, Path: slices32(a.Proof.Path)}
	for i := range a.Proof.Summary {
		t := &a.Proof.Summary[i]
		p.Summary = append(p.Summary, &weirv1.TreeSummary{Root: t.Root[:], Count: t.Count})
	}
	return &weirv1.RecordResponse{Header: a.Header.Append(nil), Record: a.Record, Proof: p}
}

// GetBlock implements weirv1.NodeServer.
func (s *Server) GetBlock(ctx context.Context, r *weirv1.GetBlockRequest) (*weirv1.BlockResponse, error) {
	b, err := s.ask(ctx, wire.QueryBlock, binary.LittleEndian.AppendUint64(nil, r.GetHeight()))
	if err != nil {
		return nil, err
	}
	_, body, err := wire.ParseBlock(b)
	if err != nil {
		return nil, broken(err)
	}
	return &weirv1.BlockResponse{Header: b[:tx.HeaderSize], Body: body}, nil
}

// GetTransaction implements weirv1.NodeServer.
func (s *Server) GetTransaction(ctx context.Context, r *weirv1.GetTransactionRequest) (*weirv1.TransactionResponse, error) {
	var (
		b   []byte
		err error
	)
	switch k := r.GetKey().(type) {
	case *weirv1.GetTransactionRequest_Hash:
		if len(k.Hash) != 32 {
			return nil, status.Errorf(codes.InvalidArgument, "a hash of %d bytes, give 32", len(k.Hash))
		}
		b, err = s.ask(ctx, wire.QueryTxHash, k.Hash)
	case *weirv1.GetTransactionRequest_SenderNonce:
		args := binary.LittleEndian.AppendUint32(nil, k.SenderNonce.GetSender())
		b, err = s.ask(ctx, wire.QueryTxNonce, binary.LittleEndian.AppendUint64(args, k.SenderNonce.GetNonce()))
	default:
		return nil, status.Error(codes.InvalidArgument, "the request names no transaction: give hash or sender_nonce")
	}
	if err != nil {
		return nil, err
	}
	return transaction(wire.ParsePlaced(b))
}

// GetProof implements weirv1.NodeServer.
func (s *Server) GetProof(ctx context.Context, r *weirv1.GetProofRequest) (*weirv1.TransactionResponse, error) {
	args := binary.LittleEndian.AppendUint64(nil, r.GetHeight())
	b, err := s.ask(ctx, wire.QueryProof, binary.LittleEndian.AppendUint32(args, r.GetIndex()))
	if err != nil {
		return nil, err
	}
	return transaction(wire.ParseTxAnswer(b, r.GetIndex()))
}

func transaction(a wire.TxAnswer, err error) (*weirv1.TransactionResponse, error) {
	if err != nil {
		return nil, broken(err)
	}
	return &weirv1.TransactionResponse{Header: a.Header.Append(nil), Index: a.Index, Transaction: a.Tx, Path: slices32(a.Path)}, nil
}

func slices32(path [][32]byte) [][]byte {
	out := make([][]byte, len(path))
	for i := range path {
		out[i] = path[i][:]
	}
	return out
}
