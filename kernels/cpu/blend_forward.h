// The forward pass of blending, together with coverage: what each pair shows is added to its pixel's record.
#pragma once

#include "blend_image.h"
#include "blend_records.h"
#include "face_order.h"
#include "kept_memory.h"
#include "no_denormals.h"
#include "surface_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int64_t band_bytes = 1 << 22; // of records; more bands, which fit a core's cache, set faces up more often

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
    bool joins;              // see joins_coverage
    bool hides_background;   // at any pixel that a pair of the block is the first to touch
    int owner[surface_block];
    SurfaceStage<T, false> points;
    // Of each pair, less its steps: weight times each b; what it adds to coverage's sum.
    alignas(64) double share0[surface_block], share1[surface_block], share2[surface_block], term[surface_block];

    BlendForwardVisit(const Plan<T> &plan, const ImageFaces<T> &faces, const BlendImage<T> &image,
                      CoverageSums<T> &coverage, double *record, T *top, double *rows, T *value, T covers,
                      math::Stepped<T> behind)
        : Base(plan, faces, image.settings.is_perspective), image(image), coverage(coverage), record(record), top(top),
          rows(rows), value(value), stride(record_stride(image.settings)), near(T(plan.settings.near)),
          per_depth(T(exponent_per_depth(plan.settings.near, plan.settings.far, image.settings.gamma))), covers(covers),
          behind(behind), joins(joins_coverage(plan, image.settings)) {}

    void flush() {
        if (this->n == 0) return;
        this->complete();
        touch_attributes();
        this->set_up_surfaces();
        coverage.evaluate(this->n, this->argument);
        for (int i = 0; i < this->runs; ++i)
            points.run(this->run[i], this->index + this->run[i].begin, near, per_depth);
        if (!image.settings.is_hard) weigh();
        const bool adds_three_features =
            joins && image.settings.attribute_channels == 3 && image.settings.texture_channels == 0;
        const bool is_maximum = this->plan.conorm.family == Family::maximum;
        for (int i = 0; i < this->runs; ++i) {
            const SurfaceRun<T, G> &r = this->run[i];
            if (is_maximum)
                for (int k = r.begin; k < r.filled; ++k) owner[k] = r.number;
            if (!joins) coverage.add(r.begin, r.filled, this->argument, this->pixel, owner);
            if (adds_three_features) {
                RecordLanes row[3];
                three_features(r.surface.depth, image.attributes(r.number), row);
                add_run<false, record_lanes>(r, row);
                continue;
            }
            corner_rows(r.surface, image.settings.attribute_channels ? image.attributes(r.number) : nullptr,
                        image.settings.attribute_channels, stride, rows);
            if (image.settings.is_hard) show_nearest(r);
            else if (image.settings.texture_channels) add_run<true, 0>(r, nullptr);
            else if (stride == record_lanes) {
                const RecordLanes row[3] = {lanes_of(0), lanes_of(stride), lanes_of(2 * stride)};
                add_run<false, record_lanes>(r, row);
            } else add_run<false, 0>(r, nullptr);
        }
    }

  private:
    // Brings the corners' attributes back, which many pixels' records have driven out of the cache since the last
    // image, all at once. By loads: prefetches gained nothing here.
    void touch_attributes() const {
        const int numbers = 3 * image.settings.attribute_channels;
        if (numbers == 0) return;
        for (int i = 0; i < this->runs; ++i) {
            const volatile T *from = image.attributes(this->run[i].number);
            (void)from[0];
            (void)from[numbers - 1];
        }
    }

    // `corner_rows` of three features, without a detour through memory: a vector must wait for numbers that were stored
    // one by one.
    static void three_features(const T *depth, const T *features, RecordLanes *row) {
        for (int corner = 0; corner < 3; ++corner) {
            const T *f = features + 3 * corner;
            row[corner] = RecordLanes::of(T(1), depth[corner], f[0], f[1], f[2]);
        }
    }

    // `width` is the stride where it is known to the compiler, and `row` then what the corners hold.
    template <bool textured, int width> void add_run(const SurfaceRun<T, G> &r, const RecordLanes *row) {
        const int wide = width ? width : stride;
        const T *uv = textured ? image.uvs(r.number) : nullptr;
        const int64_t *map = textured ? image.map(r.number) : nullptr;
        constexpr bool is_held = width == record_lanes;
        RecordLanes row0, row1, row2;
        if (is_held) row0 = row[0], row1 = row[1], row2 = row[2];
        double *const records = record;
        T *const tops = top;
        const int end = r.filled;
        for (int i = r.begin; i < end; ++i) {
            const int pixel = this->pixel[i];
            double *at = records + int64_t(pixel) * wide;
            if (tops[pixel] != points.steps[i]) {
                if (hides_background && tops[pixel] == untouched<T>) {
                    tops[pixel] = points.steps[i];
                    for (int k = 0; k < wide; k += record_lanes) RecordLanes{}.store(at + k);
                } else {
                    align(i, pixel, at);
                }
            }
            if (textured) sample(i, uv, map);
            for (int k = 0; k < wide; k += record_lanes) {
                RecordLanes sum = RecordLanes::at(at + k);
                if (k + record_lanes == wide) sum.add_to_last(term[i]);
                sum.add(is_held ? row0 : lanes_of(k), share0[i]);
                sum.add(is_held ? row1 : lanes_of(wide + k), share1[i]);
                sum.add(is_held ? row2 : lanes_of(2 * wide + k), share2[i]);
                sum.store(at + k);
            }
        }
    }
    RecordLanes lanes_of(int k) const { return RecordLanes::at(rows + k); }

    // What each pair adds to its record, less its steps.
    void weigh() {
        const T *__restrict probability = coverage.a, *__restrict mantissa = points.mantissa;
        const T *__restrict b0 = points.b0, *__restrict b1 = points.b1, *__restrict b2 = points.b2;
        const T *__restrict from_term = coverage.term;
        T *__restrict steps = points.steps;
        double *__restrict to_term = term;
        const double joined = joins ? 1.0 : 0.0;
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
            to_term[i] = double(from_term[i]) * joined;
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
            for (int k = 0; k < stride - 1; ++k) at[k] *= kept;
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

    // Hard: a pair that covers its pixel, nearer than any face before it, is what the record holds; of two as near the
    // one of the first face.
    void show_nearest(const SurfaceRun<T, G> &r) {
        const bool is_textured = image.settings.texture_channels > 0;
        for (int i = r.begin; i < r.filled; ++i) {
            const int pixel = this->pixel[i];
            double *at = record + int64_t(pixel) * stride;
            const T b0 = points.b0[i], b1 = points.b1[i], b2 = points.b2[i];
            const double depth = double(b0 * r.surface.depth[0] + b1 * r.surface.depth[1] + b2 * r.surface.depth[2]);
            const bool is_hidden =
                top[pixel] != untouched<T> && !(depth < at[1] || (depth == at[1] && T(r.number) < top[pixel]));
            if (!(this->argument[i] >= covers) || is_hidden) continue;
            top[pixel] = T(r.number);
            if (is_textured) sample(i, image.uvs(r.number), image.map(r.number));
            for (int k = 0; k < stride; k += record_lanes) {
                RecordLanes shown{};
                shown.add(lanes_of(k), double(b0));
                shown.add(lanes_of(stride + k), double(b1));
                shown.add(lanes_of(2 * stride + k), double(b2));
                shown.store(at + k);
            }
            at[1] = depth;
        }
    }
};

template <class T> struct BlendForwardTask {
    const Plan<T> &plan;
    const BlendSettings &settings;
    const BlendForward<T> &tensors;
    int bands;
    const FaceOrder<T> *order;  // null: faces are drawn as they come
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
        const int64_t sums = joins_coverage(self.plan, self.settings) ? block : band.pixels;
        double *sum = static_cast<double *>(kept_sum.of(sums * sizeof(double)));
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
        if (!joins_coverage(plan, settings)) memset(sum, 0, sizeof(double) * band.pixels);
        const double tau = tensors.coverage.tau[band.image];
        plan.wants_double_distances(tau) ? walk<double>(band, tau, sum, record, top, rows)
                                         : walk<T>(band, tau, sum, record, top, rows);
        finish_records(band, sum, record, top);
    }

    template <class G>
    void walk(const Band &band, double tau, double *sum, double *record, T *top, double *rows) const {
        const CoverageSettings &s = plan.settings;
        const int64_t image_pixels = band.image * plan.pixels();
        CoverageSums<T> coverage(plan, tensors.coverage.alpha + image_pixels, tensors.coverage.state + image_pixels,
                                 sum - band.first);
        if (!joins_coverage(plan, settings)) coverage.reset(band.first, band.pixels);
        const BlendImage<T> image(settings, tensors.surface, s, band.image);
        const double covers = (s.is_squared ? covers_from * -covers_from : covers_from) / tau;
        const ImageFaces<T> faces = faces_of(plan, tensors.coverage.face_vertices, band.image, order);
        BlendForwardVisit<T, G> visit(plan, faces, image, coverage, record - band.first * record_stride(settings),
                                      top - band.first, rows, reinterpret_cast<T *>(rows + 3 * record_stride(settings)),
                                      T(math::max(covers, -argument_bound)), background());
        walk_faces<G>(plan, faces.vertices, tau, 0, s.face_count(band.image), band.row_begin, band.row_end, visit);
        visit.flush();
    }

    // In blocks: a record is looked at twice, the second time in the cache.
    void finish_records(const Band &band, double *sum, const double *record, const T *top) const {
        const RecordFinish<T> to_outputs{settings, background()};
        const int stride = record_stride(settings), channels = settings.channels();
        const int faces = plan.settings.face_count(band.image);
        const bool joins = joins_coverage(plan, settings);
        for (int64_t i = 0; i < band.pixels; i += block) {
            const int64_t n = math::min<int64_t>(block, band.pixels - i);
            const int64_t at = band.image * plan.pixels() + band.first + i;
            double *sums = joins ? sum : sum + i;
            const double *from = record + i * stride;
            if (joins) to_outputs.coverage_sums(n, from, top + i, sums);
            finish(plan, faces, n, sums, tensors.coverage.alpha + at, tensors.coverage.state + at);
            T *blended = tensors.blended + at * channels, *state = tensors.state + 2 * at;
            channels == 5 ? to_outputs.template pixels<5>(n, from, top + i, blended, state)
                          : to_outputs.template pixels<0>(n, from, top + i, blended, state);
        }
    }
};

template <class T>
const char *blend_forward(const CoverageSettings &settings, const BlendSettings &blend, const BlendForward<T> &tensors,
                          const Parallel &parallel) {
    static thread_local GammaTable table;
    const Plan<T> plan(settings, table);
    // A pixel's sums run over the faces in one order in any band, so the bands are free to follow the threads and the
    // cache.
    const int for_threads = parallel.threads == 1 ? 1 : 4 * parallel.threads;
    const int wanted = (for_threads + settings.batch - 1) / math::max(settings.batch, 1);
    const int64_t for_cache = plan.pixels() * record_stride(blend) * int64_t(sizeof(double)) / band_bytes;
    const int bands = int(math::clamp<int64_t>(math::max<int64_t>(wanted, for_cache), 1, settings.height));
    static thread_local FaceOrder<T> order;
    const bool is_ordered = gains_from_order(plan);
    if (is_ordered && !order.sort(plan, tensors.coverage.face_vertices, parallel)) return "out of memory";
    BlendForwardTask<T> task{plan, blend, tensors, bands, is_ordered ? &order : nullptr};
    parallel.run(parallel.pool, settings.batch * bands, BlendForwardTask<T>::run, &task);
    order.end_call();
    return task.out_of_memory ? "out of memory" : nullptr;
}

} // namespace GENDR_ISA
} // namespace gendr
