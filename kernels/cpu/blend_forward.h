// The forward pass of blending, together with coverage: what each pair shows is added to its pixel's record.
#pragma once

#include "forward.h"
#include "gendr/texture.h"
#include "no_denormals.h"
#include "surface_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int record_lanes = 8;         // records are padded to whole vectors of doubles
constexpr int64_t band_bytes = 1 << 22; // of records; more bands, which fit a core's cache, set faces up more often

inline int record_stride(const BlendSettings &s) {
    return (s.channels() + record_lanes - 1) / record_lanes * record_lanes;
}

// One vector of a record, and of a corner's row. Spelt in vectors, which compilers do not find by themselves here.
template <class T>
using RowLanes __attribute__((vector_size(record_lanes * sizeof(T)), aligned(sizeof(T)), may_alias)) = T;
typedef double RecordLanes
    __attribute__((vector_size(record_lanes * sizeof(double)), aligned(sizeof(double)), may_alias));

// One call's pointers and constants for one image.
template <class T> struct BlendImage {
    const BlendSettings &settings;
    const SurfaceData<T> &data;
    int64_t first_face; // of the image in face_vertices and map_of_face's list
    int64_t first_attribute, first_uv, first_map;

    BlendImage(const BlendSettings &s, const SurfaceData<T> &data, const CoverageSettings &c, int image)
        : settings(s), data(data), first_face(c.first_face(image)),
          first_attribute(s.shared_attributes ? 0 : first_face), first_uv(s.shared_uvs ? 0 : first_face),
          first_map(c.face_ranges ? first_face : 0) {}

    const T *attributes(int face) const {
        return data.attributes + (first_attribute + face) * 3 * settings.attribute_channels;
    }
    const T *uvs(int face) const { return data.uvs + (first_uv + face) * 6; }
    const int64_t *map(int face) const { return data.maps + 3 * data.map_of_face[first_map + face]; }
    TextureLookup lookup(const T *uv, const int64_t *map, T b0, T b1, T b2) const {
        const double u = double(b0) * uv[0] + double(b1) * uv[2] + double(b2) * uv[4];
        const double v = double(b0) * uv[1] + double(b1) * uv[3] + double(b2) * uv[5];
        return TextureLookup(u, v, map, static_cast<Wrap>(settings.wrap));
    }
    void sample(const TextureLookup &lookup, T *value) const {
        const int channels = settings.texture_channels;
        double w[4];
        lookup.weights(w);
        const T *t0 = data.texels + lookup.texel[0] * channels, *t1 = data.texels + lookup.texel[1] * channels;
        const T *t2 = data.texels + lookup.texel[2] * channels, *t3 = data.texels + lookup.texel[3] * channels;
        for (int k = 0; k < channels; ++k) value[k] = T(w[0] * t0[k] + w[1] * t1[k] + w[2] * t2[k] + w[3] * t3[k]);
    }
};

// The steps, or the face, of a pixel that shows the background alone.
template <class T> constexpr T untouched = -limits<T>::huge;

template <class T, class G>
struct BlendForwardVisit : SurfaceBlock<T, G, BlendForwardVisit<T, G>> {
    using Base = SurfaceBlock<T, G, BlendForwardVisit<T, G>>;
    const BlendImage<T> &image;
    CoverageSums<T> &coverage;
    double *record; // of the image's first pixel, `stride` numbers each
    T *top;         // of each pixel: the sum's steps, or the winning face
    T *rows, *value;
    int stride;
    T near, per_depth, covers;
    math::Stepped<T> behind; // the background's weight
    int owner[surface_block];
    SurfaceStage<T> points;
    alignas(64) double weight[surface_block]; // of each pair, less its steps

    BlendForwardVisit(const Plan<T> &plan, const T *face_vertices, const BlendImage<T> &image,
                      CoverageSums<T> &coverage, double *record, T *top, T *scratch, T covers, math::Stepped<T> behind)
        : Base(plan, face_vertices, image.settings.is_perspective), image(image), coverage(coverage), record(record),
          top(top), rows(scratch), value(scratch + 3 * record_stride(image.settings)),
          stride(record_stride(image.settings)), near(T(plan.settings.near)),
          per_depth(T(exponent_per_depth(plan.settings.near, plan.settings.far, image.settings.gamma))), covers(covers),
          behind(behind) {}

    void flush() {
        if (this->n == 0) return;
        prefetch_attributes();
        this->set_up_surfaces();
        coverage.evaluate(this->n, this->argument);
        for (int i = 0; i < this->runs; ++i)
            points.run(this->run[i], this->index + this->run[i].begin, near, per_depth);
        weigh(coverage.a, points.mantissa);
        for (int i = 0; i < this->runs; ++i) {
            const SurfaceRun<T, G> &r = this->run[i];
            for (int k = r.begin; k < r.filled; ++k) owner[k] = r.face;
            coverage.add(r.begin, r.filled, this->argument, this->pixel, owner);
            corner_rows(r.surface, image.settings.attribute_channels ? image.attributes(r.face) : nullptr,
                        image.settings.attribute_channels, stride, rows);
            if (image.settings.is_hard) add_run<true>(r);
            else add_run<false>(r);
        }
    }

  private:
    // Of corners, which many pixels' records have driven out of the cache since the last image.
    void prefetch_attributes() const {
        const int numbers = 3 * image.settings.attribute_channels;
        if (numbers == 0) return;
        for (int i = 0; i < this->runs; ++i) {
            const T *from = image.attributes(this->run[i].face);
            __builtin_prefetch(from);
            __builtin_prefetch(from + numbers - 1);
        }
    }

    void weigh(const T *__restrict probability, const T *__restrict mantissa) {
        double *__restrict to = weight;
        T *__restrict steps = points.steps;
#pragma GCC ivdep
        for (int i = 0; i < this->n; ++i) {
            T settled = probability[i];
            settle(settled, steps[i]);
            const double product = double(settled) * double(mantissa[i]);
            to[i] = probability[i] > limits<T>::tiny ? product : 0.0;
        }
    }

    template <bool hard> void add_run(const SurfaceRun<T, G> &r) {
        if (image.settings.texture_channels) add_pairs<hard, true, 0>(r);
        else if (stride == record_lanes) add_pairs<hard, false, record_lanes>(r);
        else add_pairs<hard, false, 0>(r);
    }

    // `width` is the stride where it is known to the compiler.
    template <bool hard, bool textured, int width> void add_pairs(const SurfaceRun<T, G> &r) {
        const int wide = width ? width : stride;
        const T *uv = textured ? image.uvs(r.face) : nullptr;
        const int64_t *map = textured ? image.map(r.face) : nullptr;
        const RowLanes<T> row0 = lanes_of(0), row1 = lanes_of(wide), row2 = lanes_of(2 * wide);
        double *const records = record;
        const T *const tops = top;
        const int end = r.filled;
        for (int i = r.begin; i < end; ++i) {
            const int pixel = this->pixel[i];
            double *at = records + int64_t(pixel) * wide, by = hard ? 1.0 : weight[i];
            if (hard) {
                if (!wins(r, pixel, i, at)) continue;
            } else if (points.steps[i] != tops[pixel]) {
                by = align(pixel, i, at);
                if (by == 0.0) continue;
            }
            if (textured) sample(i, uv, map);
            for (int k = 0; k < wide; k += record_lanes) {
                const bool held = !textured && k == 0;
                const RowLanes<T> value = (held ? row0 : lanes_of(k)) * points.b0[i] +
                                          (held ? row1 : lanes_of(wide + k)) * points.b1[i] +
                                          (held ? row2 : lanes_of(2 * wide + k)) * points.b2[i];
                *reinterpret_cast<RecordLanes *>(at + k) += __builtin_convertvector(value, RecordLanes) * by;
            }
        }
    }
    const RowLanes<T> &lanes_of(int k) const { return *reinterpret_cast<const RowLanes<T> *>(rows + k); }

    // Puts the texture's colour of a pair at all three corners.
    void sample(int i, const T *uv, const int64_t *map) {
        const int first = 2 + image.settings.attribute_channels, channels = image.settings.texture_channels;
        image.sample(image.lookup(uv, map, points.b0[i], points.b1[i], points.b2[i]), value);
        for (int corner = 0; corner < 3; ++corner)
            for (int k = 0; k < channels; ++k) rows[corner * stride + first + k] = value[k];
    }

    T depth(const SurfaceRun<T, G> &r, int i) const {
        return points.b0[i] * r.surface.depth[0] + points.b1[i] * r.surface.depth[1] +
               points.b2[i] * r.surface.depth[2];
    }

    // Whether the pair is its pixel's nearest so far; empties the pixel's record if so.
    bool wins(const SurfaceRun<T, G> &r, int pixel, int i, double *at) {
        if (!(this->argument[i] >= covers)) return false;
        if (top[pixel] != untouched<T> && !(double(depth(r, i)) < at[1])) return false;
        top[pixel] = T(r.face);
        for (int k = 0; k < stride; ++k) at[k] = 0.0;
        return true;
    }

    // Brings a pair and its pixel's sum to the same steps, and returns the pair's weight. The first pair finds a pixel
    // untouched, and gives it the background: pixels without faces cost next to nothing.
    __attribute__((noinline)) double align(int pixel, int i, double *at) {
        if (!(weight[i] > 0.0)) return 0.0;
        if (top[pixel] == untouched<T>) {
            top[pixel] = behind.steps;
            for (int k = 0; k < stride; ++k) at[k] = 0.0;
            at[0] = double(behind.mantissa);
        }
        const T apart = points.steps[i] - top[pixel];
        if (!(apart > T(0))) return apart < T(0) ? weight[i] * steps_down(-apart) : weight[i];
        const double kept = steps_down(apart);
        for (int k = 0; k < stride; ++k) at[k] *= kept;
        top[pixel] = points.steps[i];
        return weight[i];
    }
    static double steps_down(T apart) {
        double scale = apart >= T(most_steps_apart) ? 0.0 : one_step;
        for (int k = 1; k < int(apart) && scale > 0.0; ++k) scale *= one_step;
        return scale;
    }
};

// Memory that a thread keeps from band to band and call to call: fresh pages cost more than the pixels on them.
class KeptMemory {
  public:
    KeptMemory() = default;
    KeptMemory(const KeptMemory &) = delete;
    KeptMemory &operator=(const KeptMemory &) = delete;
    ~KeptMemory() { free(data_); }

    // Null where there is none; what it held is lost.
    void *of(size_t bytes) {
        if (bytes <= bytes_) return data_;
        free(data_);
        bytes = (bytes + 63) / 64 * 64;
        data_ = aligned_alloc(64, bytes); // a record that lies across two cache lines takes twice the time
        bytes_ = data_ ? bytes : 0;
        return data_;
    }

  private:
    void *data_ = nullptr;
    size_t bytes_ = 0;
};

template <class T> struct BlendForwardTask {
    const Plan<T> &plan;
    const BlendSettings &settings;
    const BlendForward<T> &tensors;
    int bands;
    bool out_of_memory = false; // set by any task

    // The rows of one band of one image.
    struct Band {
        int image, row_begin, row_end;
        int64_t first, pixels;
    };

    static void run(void *context, int task) {
        const NoDenormals guard;
        BlendForwardTask &self = *static_cast<BlendForwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        Band band{task / self.bands, 0, 0, 0, 0};
        const int which = task % self.bands;
        band.row_begin = int(int64_t(s.height) * which / self.bands);
        band.row_end = int(int64_t(s.height) * (which + 1) / self.bands);
        band.first = int64_t(band.row_begin) * s.width;
        band.pixels = int64_t(band.row_end - band.row_begin) * s.width;

        const int stride = record_stride(self.settings);
        double *sum = static_cast<double *>(calloc(band.pixels, sizeof(double)));
        static thread_local KeptMemory kept;
        double *record = static_cast<double *>(kept.of(band.pixels * stride * sizeof(double)));
        T *top = static_cast<T *>(malloc(band.pixels * sizeof(T)));
        T *scratch = static_cast<T *>(malloc(4 * stride * sizeof(T)));
        if (sum && record && top && scratch) self.draw(band, sum, record, top, scratch);
        else self.out_of_memory = true;
        free(scratch);
        free(top);
        free(sum);
    }

  private:
    math::Stepped<T> background() const {
        const double e = (settings.eps - 1.0) / math::max(settings.gamma, 1e-30);
        const math::Stepped<double> weight = stepped_exp(e);
        return {T(weight.mantissa), T(weight.steps)};
    }

    void draw(const Band &band, double *sum, double *record, T *top, T *scratch) {
        for (int64_t i = 0; i < band.pixels; ++i) top[i] = untouched<T>;
        const double tau = tensors.coverage.tau[band.image];
        plan.wants_double_distances(tau) ? walk<double>(band, tau, sum, record, top, scratch)
                                         : walk<T>(band, tau, sum, record, top, scratch);
        settings.channels() == 5 ? finish_records<5>(band, record, top) : finish_records<0>(band, record, top);
    }

    template <class G>
    void walk(const Band &band, double tau, double *sum, double *record, T *top, T *scratch) const {
        const CoverageSettings &s = plan.settings;
        const int64_t image_pixels = band.image * plan.pixels();
        CoverageSums<T> coverage(plan, tensors.coverage.alpha + image_pixels, tensors.coverage.state + image_pixels,
                                 sum - band.first);
        coverage.reset(band.first, band.pixels);
        const BlendImage<T> image(settings, tensors.surface, s, band.image);
        const double covers = (s.is_squared ? covers_from * -covers_from : covers_from) / tau;
        BlendForwardVisit<T, G> visit(plan, plan.face(tensors.coverage.face_vertices, band.image, 0), image, coverage,
                                      record - band.first * record_stride(settings), top - band.first, scratch,
                                      T(math::max(covers, -argument_bound)), background());
        walk_faces<G>(plan, tensors.coverage.face_vertices, tau, band.image, 0, s.face_count(band.image),
                      band.row_begin, band.row_end, visit);
        visit.flush();
        finish(plan, s.face_count(band.image), band.pixels, sum, coverage.alpha + band.first,
               coverage.state + band.first);
    }

    // `known` is the number of channels where it is known to the compiler, as it is for three colours.
    template <int known> void finish_records(const Band &band, const double *record, const T *top) const {
        const math::Stepped<T> behind = background();
        const int stride = record_stride(settings), channels = known ? known : settings.channels();
        const int64_t first = band.image * plan.pixels() + band.first;
        const T alone = T(1.0 / double(behind.mantissa));
        const T all = settings.is_hard ? T(1) : share_of(T(1), behind.mantissa, behind.steps, behind.steps, alone);
        for (int64_t i = 0; i < band.pixels; ++i) {
            const double *from = record + i * stride;
            T *to = tensors.blended + (first + i) * channels, *state = tensors.state + 2 * (first + i);
            if (top[i] == untouched<T>) {
                to[0] = all;
                for (int k = 1; k < channels; ++k) to[k] = T(0);
                state[0] = settings.is_hard ? T(-1) : behind.steps;
                state[1] = settings.is_hard ? T(1) : alone;
                continue;
            }
            const double inverse = settings.is_hard ? 1.0 : 1.0 / from[0];
            state[0] = top[i];
            state[1] = T(inverse);
            to[0] = settings.is_hard ? T(0) : share_of(T(1), behind.mantissa, behind.steps, state[0], state[1]);
            for (int k = 1; k < channels; ++k) to[k] = T(from[k] * inverse);
        }
    }
};

template <class T>
const char *blend_forward(const CoverageSettings &settings, const BlendSettings &blend, const BlendForward<T> &tensors,
                          const Parallel &parallel) {
    static thread_local GammaTable table;
    const Plan<T> plan(settings, table);
    // A pixel's sums run over the faces in order in any band, so the bands are free to follow the threads and the
    // cache.
    const int for_threads = parallel.threads == 1 ? 1 : 4 * parallel.threads;
    const int wanted = (for_threads + settings.batch - 1) / math::max(settings.batch, 1);
    const int64_t for_cache = plan.pixels() * record_stride(blend) * int64_t(sizeof(double)) / band_bytes;
    const int bands = int(math::clamp<int64_t>(math::max<int64_t>(wanted, for_cache), 1, settings.height));
    BlendForwardTask<T> task{plan, blend, tensors, bands};
    parallel.run(parallel.pool, settings.batch * bands, BlendForwardTask<T>::run, &task);
    return task.out_of_memory ? "out of memory" : nullptr;
}

} // namespace GENDR_ISA
} // namespace gendr
