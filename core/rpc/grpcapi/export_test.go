package grpcapi

import (
	"context"

	"google.golang.org/grpc"
)

// Question gives a unary call its turn.
func (s *Server) Question(ctx context.Context, req any, answer grpc.UnaryHandler) (any, error) {
	return s.question(ctx, req, nil, answer)
}
