// The distributions: CDF, survival function and density at a standardised argument, side by side.
//
// `at(x)` must be relatively accurate in both tails (the survival function is never 1 - cdf of a rounded cdf) and
// finite for |x| <= 1e18. Scale, squaring, mirroring and shift are applied by the caller. To add a distribution: write
// its struct, add it to GENDR_DISTRIBUTIONS, and add its class under gendr/distributions.
#pragma once

#include "gamma.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr double argument_bound = 1e18; // arguments beyond it are held there

template <class T> struct Probability {
    T cdf, sf, pdf;
};

// The shape of the one distribution that has one, with what depends on it alone.
struct GammaShape {
    double p = 1.0;
    double log_peak = 0.0;     // p ln p - p - ln Gamma(p): ln of x f(x) at x = p
    double pdf_at_floor = 0.0; // the finite stand-in for the density at 0+
    const GammaTable *table = nullptr;
};

// Mirror images about 0: `near` is the probability of the side that holds x, `far` of the other, the smaller one.
template <class T> GENDR_HD Probability<T> two_sided(T x, T near, T far, T pdf) {
    const bool right = x >= T(0);
    return {right ? near : far, right ? far : near, pdf};
}

struct Heaviside {
    static constexpr const char *name = "heaviside";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        return {x >= T(0) ? T(1) : T(0), x >= T(0) ? T(0) : T(1), T(0)};
    }
};

struct Uniform {
    static constexpr const char *name = "uniform";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T c = math::clamp(x, T(-1), T(1));
        return {T(0.5) + T(0.5) * c, T(0.5) - T(0.5) * c, math::abs(x) < T(1) ? T(0.5) : T(0)};
    }
};

struct CubicHermite {
    static constexpr const char *name = "cubic_hermite";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T c = math::clamp(x, T(-1), T(1));
        const T left = T(0.5) + T(0.5) * c, right = T(0.5) - T(0.5) * c;
        return {left * left * (T(3) - T(2) * left), right * right * (T(3) - T(2) * right), T(3) * left * right};
    }
};

struct WignerSemicircle {
    static constexpr const char *name = "wigner_semicircle";
    // Probability beyond |x|, with y = 1 - |x|: (phi - sin phi) / 2 pi, phi = 4 asin(sqrt(y / 2)), as a series in y.
    GENDR_HD static float far_probability(float y) {
        float p = -8.34072707e-5f;
        p = p * y + 1.19076816e-4f;
        p = p * y - 2.77039013e-4f;
        p = p * y - 3.15919751e-4f;
        p = p * y - 1.58641976e-3f;
        p = p * y - 8.03537481e-3f;
        p = p * y - 0.0900317952f;
        p = p * y + 0.600210905f;
        return p * y * math::sqrt(y);
    }
    GENDR_HD static double far_probability(double y) {
        const double phi = 4.0 * ::asin(::sqrt(0.5 * y)), z = phi * phi;
        double sum = 0.0; // Horner form of (phi - sin phi) / phi^3; 13 terms reach 1e-17 at phi = pi
        for (int n = 13; n >= 1; --n) sum = (1.0 - z * sum) / ((2.0 * n) * (2.0 * n + 1.0));
        return phi * z * sum * 0.15915494309189535;
    }
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T y = math::max(T(1) - math::abs(x), T(0));
        const T far = far_probability(y);
        return two_sided(x, T(1) - far, far, T(0.63661977236758134) * math::sqrt(y * (T(2) - y)));
    }
};

struct Gaussian {
    static constexpr const char *name = "gaussian";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T far = T(0.5) * math::erfc_positive(math::abs(x) * T(0.70710678118654752));
        return two_sided(x, T(1) - far, far, T(0.39894228040143268) * math::exp(T(-0.5) * x * x));
    }
};

struct Laplace {
    static constexpr const char *name = "laplace";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T far = T(0.5) * math::exp(-math::abs(x));
        return two_sided(x, T(1) - far, far, far);
    }
};

struct Logistic {
    static constexpr const char *name = "logistic";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T e = math::exp(-math::abs(x));
        const T near = T(1) / (T(1) + e), far = e * near;
        return two_sided(x, near, far, near * far);
    }
};

struct HyperbolicSecant {
    static constexpr const char *name = "hyperbolic_secant";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T e = math::exp(T(-1.5707963267948966) * math::abs(x));
        const T far = T(0.63661977236758134) * math::atan_unit(e);
        return two_sided(x, T(1) - far, far, e / (T(1) + e * e));
    }
};

struct Cauchy {
    static constexpr const char *name = "cauchy";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T r = math::abs(x);
        const T inverse = T(1) / math::max(r, T(1));
        const T angle = math::atan_unit(r > T(1) ? inverse : r) * T(0.31830988618379067); // of the smaller leg, / pi
        const T far = r > T(1) ? angle : T(0.5) - angle;
        return two_sided(x, T(1) - far, far, T(0.31830988618379067) / (T(1) + x * x));
    }
};

struct Reciprocal {
    static constexpr const char *name = "reciprocal";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T far = T(0.5) / (T(1) + math::abs(x));
        return two_sided(x, T(1) - far, far, T(2) * far * far);
    }
};

// The monotonic relaxed minimum of least error (Petersen 2022, 3.24).
struct Optimal {
    static constexpr const char *name = "optimal";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T r = math::abs(x), tail = T(0.0625) / math::max(r, T(0.25));
        return two_sided(x, T(1) - (r < T(0.25) ? T(0.5) - r : tail), r < T(0.25) ? T(0.5) - r : tail,
                         T(16) * tail * tail);
    }
};

struct GumbelMax {
    static constexpr const char *name = "gumbel_max";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T e = math::exp(-x);
        const T cdf = math::exp(-e);
        return {cdf, -math::expm1(-e), e * cdf};
    }
};

struct GumbelMin {
    static constexpr const char *name = "gumbel_min";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T e = math::exp(x);
        const T sf = math::exp(-e);
        return {-math::expm1(-e), sf, e * sf};
    }
};

struct Exponential {
    static constexpr const char *name = "exponential";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const T y = math::max(x, T(0));
        const T sf = math::exp(-y);
        return {-math::expm1(-y), sf, x >= T(0) ? sf : T(0)};
    }
};

struct Gamma {
    static constexpr const char *name = "gamma";
    // x f(x) = exp(p (ln(1 + m) - m) + ln(peak)), m = x / p - 1: no cancellation at large p.
    template <class T> GENDR_HD static T density_times_x(T x, const GammaShape &shape) {
        const T p = T(shape.p), m = (x - p) / p;
        return math::exp(p * (-math::neg_log_complement(-m, x / p) - m) + T(shape.log_peak));
    }
    GENDR_HD static Probability<float> at(float x, const GammaShape &shape) {
        const GammaTable &table = *shape.table;
        const float y = math::clamp(x, limits<float>::tiny, 1e4f);
        const float xf = density_times_x(y, shape);
        const float s = math::min(math::sqrt(y) * table.pieces_per_unit, GammaTable::pieces - 0.5f);
        const int i = static_cast<int>(s);
        const float t = s - static_cast<float>(i);
        const float factor =
            table.coefficients[0][i] +
            t * (table.coefficients[1][i] + t * (table.coefficients[2][i] + t * table.coefficients[3][i]));
        return assemble(x, y, xf, math::min(xf * factor, 1.0f), i < table.split, shape);
    }
    GENDR_HD static Probability<double> at(double x, const GammaShape &shape) {
        const double y = math::clamp(x, limits<double>::tiny, 1e6);
        const double xf = density_times_x(y, shape);
        const bool lower = y <= shape.p + 1.0;
        const double factor = lower ? lower_factor(shape.p, y) : upper_factor(shape.p, y);
        return assemble(x, y, xf, math::min(xf * factor, 1.0), lower, shape);
    }

  private:
    template <class T>
    GENDR_HD static Probability<T> assemble(T x, T y, T xf, T probability, bool lower, const GammaShape &shape) {
        const bool inside = x > T(0);
        const T pdf_at_floor = T(shape.pdf_at_floor); // read before the choice: a conditional load would not vectorise
        const T pdf = y < limits<T>::gamma_argument_floor ? pdf_at_floor : xf / y;
        const T other = T(1) - probability;
        const T cdf = lower ? probability : other, sf = lower ? other : probability;
        return {inside ? cdf : T(0), inside ? sf : T(1), inside ? pdf : T(0)};
    }
};

struct Levy {
    static constexpr const char *name = "levy";
    template <class T> GENDR_HD static Probability<T> at(T x, const GammaShape &) {
        const bool inside = x > T(1e-3); // below it every value is under e^-500
        const T y = math::max(x, T(1e-3));
        const T z2 = T(0.5) / y, z = math::sqrt(z2);
        const bool far = z < T(1);
        const T small = far ? math::erf_unit(math::min(z, T(1))) : math::erfc_positive(z);
        const T cdf = far ? T(1) - small : small, sf = far ? small : T(1) - small;
        const T pdf = math::exp(-z2) * T(0.39894228040143268) / (y * math::sqrt(y));
        return {inside ? cdf : T(0), inside ? sf : T(1), inside ? pdf : T(0)};
    }
};

// Everything of a shape; on the host, once a call.
inline GammaShape gamma_shape(double p, const GammaTable *table, double argument_floor) {
    int sign = 0;
    const double log_peak = p * ::log(p) - p - ::lgamma_r(p, &sign);
    GammaShape shape{p, log_peak, 0.0, table};
    shape.pdf_at_floor = Gamma::density_times_x(argument_floor, shape) / argument_floor;
    return shape;
}

// The one list: dispatch, bindings and the names that Python checks itself against follow from it.
#define GENDR_DISTRIBUTIONS(X)                                                                                         \
    X(Heaviside)                                                                                                       \
    X(Uniform)                                                                                                         \
    X(CubicHermite)                                                                                                    \
    X(WignerSemicircle)                                                                                                \
    X(Gaussian)                                                                                                        \
    X(Laplace)                                                                                                         \
    X(Logistic)                                                                                                        \
    X(HyperbolicSecant)                                                                                                \
    X(Cauchy)                                                                                                          \
    X(Reciprocal)                                                                                                      \
    X(Optimal)                                                                                                         \
    X(GumbelMax)                                                                                                       \
    X(GumbelMin)                                                                                                       \
    X(Exponential)                                                                                                     \
    X(Gamma)                                                                                                           \
    X(Levy)

} // namespace GENDR_ISA
} // namespace gendr
