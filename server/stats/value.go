package stats

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Value is one number of a dump: an integer, or a floating point number that
// is printed as Java prints a double.
type Value struct {
	n     int64
	f     float64
	float bool
}

// Int is an integer value.
func Int(n int64) Value { return Value{n: n} }

// Float is a floating point value.
func Float(f float64) Value { return Value{f: f, float: true} }

// Float64 returns the value as a number.
func (v Value) Float64() float64 {
	if v.float {
		return v.f
	}
	return float64(v.n)
}

// String writes the value as the word mntr does.
func (v Value) String() string {
	if v.float {
		return JavaDouble(v.f)
	}
	return strconv.FormatInt(v.n, 10)
}

// JavaDouble writes a number as Java's Double.toString does: at least one
// digit behind the point, and an exponent below 0.001 and from 10 million on.
func JavaDouble(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case abs != 0 && (abs < 1e-3 || abs >= 1e7):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		n, _ := strconv.Atoi(exponent) // what FormatFloat writes is a number
		return withPoint(mantissa) + "E" + strconv.Itoa(n)
	}
	return withPoint(strconv.FormatFloat(f, 'f', -1, 64))
}

func withPoint(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s + ".0"
	}
	return s
}

// round4 rounds to 4 digits behind the point, halves up, as Apache rounds
// averages. Halves are rare but exact, so the arithmetic is exact too.
func round4(f float64) float64 {
	r := new(big.Rat)
	if r.SetFloat64(f) == nil { // not finite
		return f
	}
	r.Mul(r, big.NewRat(10_000, 1)).Add(r, big.NewRat(1, 2))
	units := new(big.Int).Div(r.Num(), r.Denom()) // rounds down, for the divisor is positive
	rounded, _ := new(big.Rat).SetFrac(units, big.NewInt(10_000)).Float64()
	return rounded
}
