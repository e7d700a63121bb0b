// The forward pass of blending, together with coverage: what each pair shows is added to its pixel's record.
#pragma once

#include "forward.h"
#include "gendr/texture.h"
#include "no_denormals.h"
#include "surface_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int record_lanes = 8;         // records are padded to whole vectors of doubles
constexpr int finished_at_once = 64;    // pixels
constexpr int64_t band_bytes = 1 << 22; // of records; more bands, which fit a core's cache, set faces up more often

inline int record_stride(const BlendSettings &s) {
    return (s.channels() + record_lanes - 1) / record_lanes * record_lanes;
}

// One vector of a record, and of a corner's row. Spelt in vectors, which compilers do not find by themselves here.
template <class T>
using RowLanes __attribute__((vector_size(record_lanes * sizeof(T)), aligned(sizeof(T)), may_alias)) = T;
typedef int64_t RecordBits
    __attribute__((vector_size(record_lanes * sizeof(double)), aligned(sizeof(double)), may_alias));
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
    double *rows;   // of a face's corners
    T *value;       // of a texture
    int stride;
    T near, per_depth, covers;
    math::Stepped<T> behind; // the background's weight
    bool hides_background;   // at any pixel that a pair of the block is the first to touch
    int owner[surface_block];
    SurfaceStage<T, false> points;
    alignas(64) double share0[surface_block], share1[surface_block], share2[surface_block]; // weight times b

    BlendForwardVisit(const Plan<T> &plan, const T *face_vertices, const BlendImage<T> &image,
                      CoverageSums<T> &coverage, double *record, T *top, double *rows, T *value, T covers,
                      math::Stepped<T> behind)
        : Base(plan, face_vertices, image.settings.is_perspective), image(image), coverage(coverage), record(record),
          top(top), rows(rows), value(value), stride(record_stride(image.settings)), near(T(plan.settings.near)),
          per_depth(T(exponent_per_depth(plan.settings.near, plan.settings.far, image.settings.gamma))), covers(covers),
          behind(behind) {}

    void flush() {
        if (this->n == 0) return;
        prefetch_attributes();
        this->set_up_surfaces();
        coverage.evaluate(this->n, this->argument);
        for (int i = 0; i < this->runs; ++i)
            points.run(this->run[i], this->index + this->run[i].begin, near, per_depth);
        if (!image.settings.is_hard) weigh();
        const bool is_maximum = this->plan.conorm.family == Family::maximum;
        for (int i = 0; i < this->runs; ++i) {
            const SurfaceRun<T, G> &r = this->run[i];
            if (is_maximum)
                for (int k = r.begin; k < r.filled; ++k) owner[k] = r.face;
            coverage.add(r.begin, r.filled, this->argument, this->pixel, owner);
            corner_rows(r.surface, image.settings.attribute_channels ? image.attributes(r.face) : nullptr,
                        image.settings.attribute_channels, stride, rows);
            if (image.settings.is_hard) show_nearest(r);
            else if (image.settings.texture_channels) add_run<true, 0>(r);
            else if (stride == record_lanes) add_run<false, record_lanes>(r);
            else add_run<false, 0>(r);
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

    // `width` is the stride where it is known to the compiler. What an untouched pixel's record holds is masked, so
    // that no branch depends on which pixels are.
    template <bool textured, int width> void add_run(const SurfaceRun<T, G> &r) {
        const int wide = width ? width : stride;
        const T *uv = textured ? image.uvs(r.face) : nullptr;
        const int64_t *map = textured ? image.map(r.face) : nullptr;
        const RecordLanes row0 = lanes_of(0), row1 = lanes_of(wide), row2 = lanes_of(2 * wide);
        double *const records = record;
        T *const tops = top;
        const int end = r.filled;
        for (int i = r.begin; i < end; ++i) {
            const int pixel = this->pixel[i];
            double *at = records + int64_t(pixel) * wide;
            const T found = tops[pixel];
            T steps = points.steps[i];
            const bool is_first = found == untouched<T>;
            int64_t keep = -int64_t(!is_first);
            if (!((found == steps) | (is_first & hides_background))) {
                align(i, pixel, at);
                steps = tops[pixel];
                keep = -1;
            }
            tops[pixel] = steps;
            if (textured) sample(i, uv, map);
            for (int k = 0; k < wide; k += record_lanes) {
                const bool held = !textured && k == 0;
                RecordLanes *to = reinterpret_cast<RecordLanes *>(at + k);
                const RecordBits kept = reinterpret_cast<RecordBits>(*to) & keep;
                *to = reinterpret_cast<RecordLanes>(kept) + (held ? row0 : lanes_of(k)) * share0[i] +
                      (held ? row1 : lanes_of(wide + k)) * share1[i] +
                      (held ? row2 : lanes_of(2 * wide + k)) * share2[i];
            }
        }
    }
    const RecordLanes &lanes_of(int k) const { return *reinterpret_cast<const RecordLanes *>(rows + k); }

    // What each pair adds to its record, less its steps.
    void weigh() {
        const T *__restrict probability = coverage.a, *__restrict mantissa = points.mantissa;
        const T *__restrict b0 = points.b0, *__restrict b1 = points.b1, *__restrict b2 = points.b2;
        T *__restrict steps = points.steps;
        double *__restrict to0 = share0, *__restrict to1 = share1, *__restrict to2 = share2;
        const T least = behind.steps + T(most_steps_apart);
        int shown = 0;
#pragma omp simd reduction(+ : shown)
        for (int i = 0; i < this->n; ++i) {
            T settled = probability[i], s = steps[i];
            settle(settled, s);
            const bool counts = probability[i] > limits<T>::tiny;
            const double weight = double(counts ? settled : T(0)) * double(mantissa[i]);
            shown += !counts | (s < least);
            steps[i] = s;
            to0[i] = double(b0[i]) * weight;
            to1[i] = double(b1[i]) * weight;
            to2[i] = double(b2[i]) * weight;
        }
        hides_background = shown == 0;
    }

    // Brings a pair and its pixel's sum to the same steps. The first pair finds a pixel untouched, and gives it the
    // background: pixels without faces cost next to nothing.
    __attribute__((noinline)) void align(int i, int pixel, double *at) {
        if (top[pixel] == untouched<T>) {
            top[pixel] = behind.steps;
            for (int k = 0; k < stride; ++k) at[k] = 0.0;
            at[0] = double(behind.mantissa);
        }
        const T apart = points.steps[i] - top[pixel];
        const bool counts = share0[i] + share1[i] + share2[i] > 0.0;
        if (counts && apart > T(0)) {
            const double kept = steps_down(apart);
            for (int k = 0; k < stride; ++k) at[k] *= kept;
            top[pixel] = points.steps[i];
        } else if (apart < T(0)) {
            const double kept = steps_down(-apart);
            share0[i] *= kept;
            share1[i] *= kept;
            share2[i] *= kept;
        }
    }

    // Puts the texture's colour of a pair at all three corners.
    void sample(int i, const T *uv, const int64_t *map) {
        const int first = 2 + image.settings.attribute_channels, channels = image.settings.texture_channels;
        image.sample(image.lookup(uv, map, points.b0[i], points.b1[i], points.b2[i]), value);
        for (int corner = 0; corner < 3; ++corner)
            for (int k = 0; k < channels; ++k) rows[corner * stride + first + k] = double(value[k]);
    }

    // Hard: a pair that covers its pixel, nearer than any face before it, is what the record holds.
    void show_nearest(const SurfaceRun<T, G> &r) {
        const bool is_textured = image.settings.texture_channels > 0;
        for (int i = r.begin; i < r.filled; ++i) {
            const int pixel = this->pixel[i];
            double *at = record + int64_t(pixel) * stride;
            const T b0 = points.b0[i], b1 = points.b1[i], b2 = points.b2[i];
            const double depth = double(b0 * r.surface.depth[0] + b1 * r.surface.depth[1] + b2 * r.surface.depth[2]);
            if (!(this->argument[i] >= covers) || (top[pixel] != untouched<T> && !(depth < at[1]))) continue;
            top[pixel] = T(r.face);
            if (is_textured) sample(i, image.uvs(r.face), image.map(r.face));
            for (int k = 0; k < stride; k += record_lanes)
                *reinterpret_cast<RecordLanes *>(at + k) = lanes_of(k) * double(b0) +
                                                           lanes_of(stride + k) * double(b1) +
                                                           lanes_of(2 * stride + k) * double(b2);
            at[1] = depth;
        }
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
        static thread_local KeptMemory kept_record, kept_sum, kept_top, kept_scratch;
        double *record = static_cast<double *>(kept_record.of(band.pixels * stride * sizeof(double)));
        double *sum = static_cast<double *>(kept_sum.of(band.pixels * sizeof(double)));
        T *top = static_cast<T *>(kept_top.of(band.pixels * sizeof(T)));
        double *rows = static_cast<double *>(kept_scratch.of(4 * stride * sizeof(double)));
        if (sum && record && top && rows) self.draw(band, sum, record, top, rows);
        else self.out_of_memory = true;
    }

  private:
    math::Stepped<T> background() const {
        const double e = (settings.eps - 1.0) / math::max(settings.gamma, 1e-30);
        const math::Stepped<double> weight = stepped_exp(e);
        return {T(weight.mantissa), T(weight.steps)};
    }

    void draw(const Band &band, double *sum, double *record, T *top, double *rows) {
        for (int64_t i = 0; i < band.pixels; ++i) top[i] = untouched<T>;
        for (int64_t i = 0; i < band.pixels; ++i) sum[i] = 0.0;
        const double tau = tensors.coverage.tau[band.image];
        plan.wants_double_distances(tau) ? walk<double>(band, tau, sum, record, top, rows)
                                         : walk<T>(band, tau, sum, record, top, rows);
        settings.channels() == 5 ? finish_records<5>(band, record, top) : finish_records<0>(band, record, top);
    }

    template <class G>
    void walk(const Band &band, double tau, double *sum, double *record, T *top, double *rows) const {
        const CoverageSettings &s = plan.settings;
        const int64_t image_pixels = band.image * plan.pixels();
        CoverageSums<T> coverage(plan, tensors.coverage.alpha + image_pixels, tensors.coverage.state + image_pixels,
                                 sum - band.first);
        coverage.reset(band.first, band.pixels);
        const BlendImage<T> image(settings, tensors.surface, s, band.image);
        const double covers = (s.is_squared ? covers_from * -covers_from : covers_from) / tau;
        BlendForwardVisit<T, G> visit(plan, plan.face(tensors.coverage.face_vertices, band.image, 0), image, coverage,
                                      record - band.first * record_stride(settings), top - band.first, rows,
                                      reinterpret_cast<T *>(rows + 3 * record_stride(settings)),
                                      T(math::max(covers, -argument_bound)), background());
        walk_faces<G>(plan, tensors.coverage.face_vertices, tau, band.image, 0, s.face_count(band.image),
                      band.row_begin, band.row_end, visit);
        visit.flush();
        finish(plan, s.face_count(band.image), band.pixels, sum, coverage.alpha + band.first,
               coverage.state + band.first);
    }

    // `known` is the number of channels where it is known to the compiler, as it is for three colours.
    template <int known> void finish_records(const Band &band, const double *record, const T *top) const {
        const int channels = known ? known : settings.channels();
        const int64_t first = band.image * plan.pixels() + band.first;
        bool was_background = false; // the pixels just before
        for (int64_t i = 0; i < band.pixels; i += finished_at_once) {
            const int n = int(math::min<int64_t>(finished_at_once, band.pixels - i));
            T *blended = tensors.blended + (first + i) * channels, *state = tensors.state + 2 * (first + i);
            int touched = 0;
#pragma omp simd reduction(+ : touched)
            for (int k = 0; k < n; ++k) touched += top[i + k] != untouched<T>;
            if (touched == 0 && i > 0 && was_background) {
                memcpy(blended, blended - finished_at_once * channels, sizeof(T) * channels * n);
                memcpy(state, state - finished_at_once * 2, sizeof(T) * 2 * n);
                continue;
            }
            was_background = touched == 0;
            finish_pixels<known>(n, record + i * record_stride(settings), top + i, blended, state);
        }
    }

    template <int known>
    void finish_pixels(int n, const double *record, const T *__restrict top, T *blended, T *__restrict state) const {
        const math::Stepped<T> behind = background();
        const int stride = record_stride(settings), channels = known ? known : settings.channels();
        const bool is_hard = settings.is_hard;
        const T alone = T(1.0 / double(behind.mantissa));
        alignas(64) double inverse[finished_at_once];
        alignas(64) T weight[finished_at_once];
        for (int i = 0; i < n; ++i) {
            const bool is_touched = top[i] != untouched<T>;
            inverse[i] = is_hard ? 1.0 : (is_touched ? 1.0 / record[int64_t(i) * stride] : double(alone));
        }
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const bool is_touched = top[i] != untouched<T>;
            const T steps = is_touched ? top[i] : (is_hard ? T(-1) : behind.steps), whole = T(inverse[i]);
            const T share = share_of(T(1), behind.mantissa, behind.steps, steps, whole);
            state[2 * i] = steps;
            state[2 * i + 1] = whole;
            weight[i] = is_hard ? (is_touched ? T(0) : T(1)) : share;
        }
        for (int i = 0; i < n; ++i) {
            T *to = blended + int64_t(i) * channels;
            const double *from = record + int64_t(i) * stride;
            to[0] = weight[i];
            if (top[i] == untouched<T>) {
                for (int k = 1; k < channels; ++k) to[k] = T(0);
            } else if (known == 5) {
                typedef T Four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
                const RowLanes<T> row =
                    __builtin_convertvector(*reinterpret_cast<const RecordLanes *>(from) * inverse[i], RowLanes<T>);
                *reinterpret_cast<Four *>(to + 1) = __builtin_shufflevector(row, row, 1, 2, 3, 4);
            } else {
                for (int k = 1; k < channels; ++k) to[k] = T(from[k] * inverse[i]);
            }
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
