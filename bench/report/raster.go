package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// pngScale is how many dots of a PNG make one pixel of the figure, so that it is
// sharp in print and on dense screens.
const pngScale = 2

// fonts are parsed once, when the first figure is exported.
var fonts = sync.OnceValues(func() (map[bool]*opentype.Font, error) {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("the built-in font cannot be read: %w", err)
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("the built-in bold font cannot be read: %w", err)
	}
	return map[bool]*opentype.Font{false: regular, true: bold}, nil
})

// canvas draws a scene into an image.
type canvas struct {
	img   *image.RGBA
	faces map[faceKey]font.Face
}

type faceKey struct {
	size float64
	bold bool
}

// png draws the scene on white paper.
func (s *scene) png() ([]byte, error) {
	c := &canvas{
		img:   image.NewRGBA(image.Rect(0, 0, int(math.Ceil(s.w*pngScale)), int(math.Ceil(s.h*pngScale)))),
		faces: map[faceKey]font.Face{},
	}
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(inkColour(inkPaper, 1)), image.Point{}, draw.Src)
	for i := range s.items {
		if err := c.draw(&s.items[i]); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&b, c.img); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// inkColour is an ink on light paper.
func inkColour(k ink, alpha float64) color.Color {
	n, err := strconv.ParseUint(palette[k].light[1:], 16, 32)
	if err != nil {
		panic("the palette holds " + palette[k].light) // a constant of this package
	}
	return color.NRGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), uint8(math.Round(alpha * 255))}
}

func (c *canvas) draw(i *item) error {
	switch i.shape {
	case shapePath:
		for _, part := range dashed(i.pts, i.dash) {
			c.stroke(part, i.width, inkColour(i.ink, 1))
		}
	case shapeArea:
		alpha := i.alpha
		if alpha == 0 {
			alpha = 1
		}
		c.fill([][]point{i.pts}, inkColour(i.ink, alpha))
	case shapeCircle:
		c.fill([][]point{circle(i.pts[0], i.radius)}, inkColour(i.ink, 1))
	case shapeText:
		return c.text(i)
	}
	return nil
}

// fill draws closed paths; only their box is looked at, as most are small.
func (c *canvas) fill(paths [][]point, col color.Color) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, pts := range paths {
		for _, p := range pts {
			low = point{min(low.x, p.x*pngScale), min(low.y, p.y*pngScale)}
			high = point{max(high.x, p.x*pngScale), max(high.y, p.y*pngScale)}
		}
	}
	if !(low.x <= high.x && low.y <= high.y) {
		return
	}
	box := image.Rect(int(math.Floor(low.x)), int(math.Floor(low.y)), int(math.Ceil(high.x)), int(math.Ceil(high.y))).Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	for _, pts := range paths {
		for k, p := range pts {
			x, y := float32(p.x*pngScale-float64(box.Min.X)), float32(p.y*pngScale-float64(box.Min.Y))
			if k == 0 {
				z.MoveTo(x, y)
			} else {
				z.LineTo(x, y)
			}
		}
		z.ClosePath()
	}
	z.Draw(c.img, box, image.NewUniform(col), image.Point{})
}

// stroke draws a line as one box per stretch with a disc at each bend.
func (c *canvas) stroke(pts []point, width float64, col color.Color) {
	var paths [][]point
	for k := 1; k < len(pts); k++ {
		a, b := pts[k-1], pts[k]
		l := math.Hypot(b.x-a.x, b.y-a.y)
		if l == 0 {
			continue
		}
		nx, ny := -(b.y-a.y)/l*width/2, (b.x-a.x)/l*width/2
		paths = append(paths, []point{{a.x + nx, a.y + ny}, {a.x - nx, a.y - ny}, {b.x - nx, b.y - ny}, {b.x + nx, b.y + ny}})
		if k > 1 && width > 1 {
			paths = append(paths, circle(a, width/2))
		}
	}
	if len(paths) > 0 {
		c.fill(paths, col)
	}
}

// circle has the same sense of rotation as the boxes of stroke, so that where
// they overlap nothing cancels.
func circle(at point, r float64) []point {
	const n = 24
	pts := make([]point, n)
	for k := range pts {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / n)
		pts[k] = point{at.x + r*cos, at.y + r*sin}
	}
	return pts
}

// dashed cuts a line into its dashes.
func dashed(pts []point, dash []float64) [][]point {
	total := 0.0
	for _, d := range dash {
		total += d
	}
	if !(total > 0) || len(pts) < 2 {
		return [][]point{pts}
	}
	var (
		out  [][]point
		part = []point{pts[0]}
		k    int
		left = dash[0]
	)
	for n := 1; n < len(pts); n++ {
		a, b := pts[n-1], pts[n]
		l := math.Hypot(b.x-a.x, b.y-a.y)
		for at := 0.0; l > at; {
			step := min(left, l-at)
			at += step
			left -= step
			p := point{a.x + (b.x-a.x)*at/l, a.y + (b.y-a.y)*at/l}
			part = append(part, p)
			if left > 0 {
				continue
			}
			if k%2 == 0 {
				out = append(out, part)
			}
			part = []point{p}
			k++
			left = max(dash[k%len(dash)], 1e-3)
		}
	}
	if k%2 == 0 && len(part) > 1 {
		out = append(out, part)
	}
	return out
}

func (c *canvas) text(i *item) error {
	face, err := c.face(faceKey{i.size, i.bold})
	if err != nil {
		return err
	}
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(inkColour(i.ink, 1)), Face: face}
	x := fixed.Int26_6(i.pts[0].x * pngScale * 64)
	switch w := d.MeasureString(i.text); i.anchor {
	case anchorMiddle:
		x -= w / 2
	case anchorEnd:
		x -= w
	}
	d.Dot = fixed.Point26_6{X: x, Y: fixed.Int26_6(i.pts[0].y * pngScale * 64)}
	d.DrawString(i.text)
	return nil
}

func (c *canvas) face(k faceKey) (font.Face, error) {
	if f, ok := c.faces[k]; ok {
		return f, nil
	}
	all, err := fonts()
	if err != nil {
		return nil, err
	}
	f, err := opentype.NewFace(all[k.bold], &opentype.FaceOptions{Size: k.size * pngScale, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("a font of %v px cannot be made: %w", k.size, err)
	}
	c.faces[k] = f
	return f, nil
}
