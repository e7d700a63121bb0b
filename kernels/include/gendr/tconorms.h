// The T-conorms as running sums: generator, what a pixel's sum gives, and derivatives, side by side.
//
// Every argument is a pair (a, q) with q = 1 - a known without cancellation; the callers have clamped both to
// [tiny, 1]. A family says how sums are kept; a member says what is summed. To add a T-conorm: write its struct in the
// family it belongs to, add it to GENDR_T_CONORMS, and add its class under gendr/tnorms.
//
//   Product  S = sum of -ln(zbar(a)): a product of complements in logarithmic form; Probabilistic behind a map z(a).
//            generator(a, q) = -ln zbar, derivative = its derivative in a, in_p = its derivative in p.
//   Power    S = sum of exp(p l(a)); kept as mantissa and exponent so that no p overflows. L = ln(S) / p.
//            l(a, q), slope = its derivative in a. p counts as |p| where the member says `negative_p`.
//   Average  S = sum of a.       Maximum  the largest a and the lowest face index that attains it.
#pragma once

#include "math.h"

namespace gendr {
inline namespace GENDR_ISA {

enum class Family { product, power, average, maximum };

// What a pixel's sum gives: the aggregate and its derivatives with respect to the state (S or L) and to p.
template <class T> struct Aggregate {
    T out, in_state, in_p;
};

// Generators that are steep at 0 make much of small probabilities. `face_cutoff` is the probability below which a face
// may be skipped so that n skipped faces change the pixel's sum by at most n times the cutoff.
GENDR_HD double cutoff_of_power(double cutoff, double p) {
    return p < 1.0 && cutoff > 0.0 ? math::max(::pow(cutoff, 1.0 / p), 1e-30) : cutoff;
}

struct Maximum {
    static constexpr const char *name = "maximum";
    static constexpr Family family = Family::maximum;
    GENDR_HD static double face_cutoff(double cutoff, double) { return cutoff; }
};

struct Average {
    static constexpr const char *name = "average";
    static constexpr Family family = Family::average;
    GENDR_HD static double face_cutoff(double cutoff, double) { return cutoff; }
};

struct Probabilistic {
    static constexpr const char *name = "probabilistic";
    static constexpr Family family = Family::product;
    GENDR_HD static double face_cutoff(double cutoff, double) { return cutoff; }
    template <class T> GENDR_HD static T generator(T a, T q, T) { return math::neg_log_complement(a, q); }
    template <class T> GENDR_HD static T derivative(T, T q, T) { return T(1) / q; }
    template <class T> GENDR_HD static T in_p(T, T, T) { return T(0); }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T sum, T) {
        return {-math::expm1(-sum), math::exp(-sum), T(0)};
    }
};

struct Einstein {
    static constexpr const char *name = "einstein";
    static constexpr Family family = Family::product;
    GENDR_HD static double face_cutoff(double cutoff, double) { return cutoff; }
    template <class T> GENDR_HD static T generator(T a, T q, T) {
        return math::neg_log_complement(T(2) * a / (T(1) + a), q / (T(1) + a));
    }
    template <class T> GENDR_HD static T derivative(T a, T q, T) { return T(2) / (q * (T(1) + a)); }
    template <class T> GENDR_HD static T in_p(T, T, T) { return T(0); }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T sum, T) {
        const T zbar = math::exp(-sum), z = -math::expm1(-sum), w = T(1) / (T(1) + zbar);
        return {z * w, T(2) * zbar * w * w, T(0)};
    }
};

struct Hamacher {
    static constexpr const char *name = "hamacher";
    static constexpr Family family = Family::product;
    GENDR_HD static double face_cutoff(double cutoff, double p) { return p > 1.0 ? cutoff / p : cutoff; }
    template <class T> GENDR_HD static T generator(T a, T q, T p) {
        const T w = T(1) / (q + p * a);
        return math::neg_log_complement(p * a * w, q * w);
    }
    template <class T> GENDR_HD static T derivative(T a, T q, T p) { return p / (q * (q + p * a)); }
    template <class T> GENDR_HD static T in_p(T a, T q, T p) { return a / (q + p * a); }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T sum, T p) {
        const T zbar = math::exp(-sum), z = -math::expm1(-sum), w = T(1) / (z + p * zbar);
        return {z * w, p * zbar * w * w, -z * zbar * w * w};
    }
};

struct Frank {
    static constexpr const char *name = "frank";
    static constexpr Family family = Family::product;
    GENDR_HD static double face_cutoff(double cutoff, double) { return cutoff; }
    template <class T> GENDR_HD static T generator(T a, T q, T p) {
        const T k = math::log(p);
        return math::neg_log_complement(math::expm1(-k * a) / math::expm1(-k), math::expm1(k * q) / math::expm1(k));
    }
    template <class T> GENDR_HD static T derivative(T, T q, T p) { return decay(math::log(p), q); }
    // d/dk of -ln(expm1(k q) / expm1(k)) is decay(k, 1) - q / k decay(k, q); a series where the two nearly cancel.
    template <class T> GENDR_HD static T in_p(T a, T q, T p) {
        const T k = math::log(p);
        const T series = T(0.5) * a + k * (T(1) - q * q) / T(12);
        const T exact = (decay(k, T(1)) - q * decay(k, q)) / k;
        return (math::abs(k) < T(0.02) ? series : exact) / p;
    }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T sum, T p) {
        const T k = math::log(p), grow = math::expm1(k);
        const T zbar = math::exp(-sum), z = -math::expm1(-sum);
        const T out = -log1p(z * math::expm1(-k)) / k, t = log1p(grow * zbar) / k;
        const T weight = zbar / (T(1) + grow * zbar); // zbar over p^t
        return {out, grow * weight / k, (t - (T(1) + grow) * weight) / (k * p)};
    }

  private:
    // k / (1 - e^(-k q)), which is g'(a).
    template <class T> GENDR_HD static T decay(T k, T q) { return k / -math::expm1(-k * q); }
    template <class T> GENDR_HD static T log1p(T x) { return -math::neg_log_complement(-x, T(1) + x); }
};

struct Yager {
    static constexpr const char *name = "yager";
    static constexpr Family family = Family::power;
    static constexpr bool negative_p = false, strict = false, offset = false;
    GENDR_HD static double face_cutoff(double cutoff, double p) { return cutoff_of_power(cutoff, p); }
    template <class T> GENDR_HD static T l(T a, T) { return math::log(a); }
    template <class T> GENDR_HD static T slope(T a, T) { return T(1) / a; }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T l) {
        const T r = math::exp(math::min(l, T(0)));
        return {r, l < T(0) ? r : T(0), T(0)};
    }
};

struct AczelAlsina {
    static constexpr const char *name = "aczel_alsina";
    static constexpr Family family = Family::power;
    static constexpr bool negative_p = false, strict = true, offset = false;
    GENDR_HD static double face_cutoff(double cutoff, double p) { return cutoff_of_power(cutoff, p); }
    template <class T> GENDR_HD static T l(T a, T q) { return math::log(math::neg_log_complement(a, q)); }
    template <class T> GENDR_HD static T slope(T a, T q) { return T(1) / (q * math::neg_log_complement(a, q)); }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T l) {
        const T r = math::exp(l), t = math::exp(-r);
        return {-math::expm1(-r), t > T(0) ? r * t : T(0), T(0)};
    }
};

struct Dombi {
    static constexpr const char *name = "dombi";
    static constexpr Family family = Family::power;
    static constexpr bool negative_p = false, strict = true, offset = false;
    GENDR_HD static double face_cutoff(double cutoff, double p) { return cutoff_of_power(cutoff, p); }
    template <class T> GENDR_HD static T l(T a, T q) { return math::log(a / q); }
    template <class T> GENDR_HD static T slope(T a, T q) { return T(1) / (a * q); }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T l) {
        const T e = math::exp(-math::abs(l)), near = T(1) / (T(1) + e), far = e * near;
        return {l > T(0) ? near : far, near * far, T(0)};
    }
};

// S is offset by one term: (1 + S)^(1/p) with terms q^p - 1, so L = ln(1 + S) / |p| is -ln of the complement.
struct SchweizerSklar {
    static constexpr const char *name = "schweizer_sklar";
    static constexpr Family family = Family::power;
    static constexpr bool negative_p = true, strict = true, offset = true;
    GENDR_HD static double face_cutoff(double cutoff, double) { return cutoff; }
    template <class T> GENDR_HD static T l(T a, T q) { return math::neg_log_complement(a, q); }
    template <class T> GENDR_HD static T slope(T, T q) { return T(1) / q; }
    template <class T> GENDR_HD static Aggregate<T> aggregate(T l) { return {-math::expm1(-l), math::exp(-l), T(0)}; }
};

#define GENDR_T_CONORMS(X)                                                                                             \
    X(Maximum)                                                                                                         \
    X(Probabilistic)                                                                                                   \
    X(Einstein)                                                                                                        \
    X(Hamacher)                                                                                                        \
    X(Frank)                                                                                                           \
    X(Yager)                                                                                                           \
    X(AczelAlsina)                                                                                                     \
    X(Dombi)                                                                                                           \
    X(SchweizerSklar)                                                                                                  \
    X(Average)

} // namespace GENDR_ISA
} // namespace gendr
