// The forward pass of blending, together with coverage: what each pair shows is added to its pixel's record.
#pragma once

#include "forward.h"
#include "gendr/texture.h"
#include "surface_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int record_lanes = 8;         // records are padded to whole vectors of doubles
constexpr int64_t band_bytes = 1 << 20; // of records: what a core's cache holds

inline int record_stride(const BlendSettings &s) {
    return (s.channels() + record_lanes - 1) / record_lanes * record_lanes;
}

// at = kept at + weight (b0 row0 + b1 row1 + b2 row2), over one vector of a record. Spelt in vectors, which compilers
// do not find by themselves here.
template <class T>
GENDR_HD void add_lanes(double *at, double kept, double weight, T b0, const T *row0, T b1, const T *row1, T b2,
                        const T *row2) {
    typedef T Row __attribute__((vector_size(record_lanes * sizeof(T)), aligned(sizeof(T)), may_alias));
    typedef double Record
        __attribute__((vector_size(record_lanes * sizeof(double)), aligned(sizeof(double)), may_alias));
    const Row value = *reinterpret_cast<const Row *>(row0) * b0 + *reinterpret_cast<const Row *>(row1) * b1 +
                      *reinterpret_cast<const Row *>(row2) * b2;
    Record &sum = *reinterpret_cast<Record *>(at);
    sum = sum * kept + __builtin_convertvector(value, Record) * weight;
}

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
    int owner[surface_block];
    SurfaceStage<T> points;

    BlendForwardVisit(const Plan<T> &plan, const T *face_vertices, const BlendImage<T> &image,
                      CoverageSums<T> &coverage, double *record, T *top, T *scratch, T covers)
        : Base(plan, face_vertices, image.settings.is_perspective), image(image), coverage(coverage), record(record),
          top(top), rows(scratch), value(scratch + 3 * record_stride(image.settings)),
          stride(record_stride(image.settings)), near(T(plan.settings.near)),
          per_depth(T(exponent_per_depth(plan.settings.near, plan.settings.far, image.settings.gamma))),
          covers(covers) {}

    void flush() {
        if (this->n == 0) return;
        this->set_up_surfaces();
        coverage.evaluate(this->n, this->argument);
        for (int i = 0; i < this->runs; ++i) {
            const SurfaceRun<T, G> &r = this->run[i];
            for (int k = r.begin; k < r.filled; ++k) owner[k] = r.face;
            coverage.add(r.begin, r.filled, this->argument, this->pixel, owner);
            points.run(r, this->index + r.begin, near, per_depth);
            corner_rows(r.surface, image.settings.attribute_channels ? image.attributes(r.face) : nullptr,
                        image.settings.attribute_channels, stride, rows);
            if (image.settings.is_hard) add_run<true>(r);
            else add_run<false>(r);
        }
    }

  private:
    template <bool hard> void add_run(const SurfaceRun<T, G> &r) {
        if (image.settings.texture_channels) add_pairs<hard, true, 0>(r);
        else if (stride == record_lanes) add_pairs<hard, false, record_lanes>(r);
        else add_pairs<hard, false, 0>(r);
    }

    // `width` is the stride where it is known to the compiler.
    template <bool hard, bool textured, int width> void add_pairs(const SurfaceRun<T, G> &r) {
        const int wide = width ? width : stride;
        const T *row0 = rows, *row1 = rows + wide, *row2 = rows + 2 * wide;
        const T *uv = textured ? image.uvs(r.face) : nullptr;
        const int64_t *map = textured ? image.map(r.face) : nullptr;
        const int first_texture = 2 + image.settings.attribute_channels;
        for (int i = r.begin; i < r.filled; ++i) {
            const int pixel = this->pixel[i];
            double *at = record + int64_t(pixel) * wide;
            const T b0 = points.b0[i], b1 = points.b1[i], b2 = points.b2[i];
            double weight = 1.0, kept = 0.0;
            if (hard) {
                if (!(this->argument[i] >= covers) || !(double(depth(r, i)) < at[1])) continue;
                top[pixel] = T(r.face);
            } else if (!soft_weight(pixel, i, weight, kept)) {
                continue;
            }
            if (textured) {
                image.sample(image.lookup(uv, map, b0, b1, b2), value);
                for (int k = 0; k < image.settings.texture_channels; ++k) rows[first_texture + k] = value[k];
                for (int k = 0; k < image.settings.texture_channels; ++k)
                    rows[wide + first_texture + k] = rows[2 * wide + first_texture + k] = value[k];
            }
            for (int k = 0; k < wide; k += record_lanes)
                add_lanes(at + k, kept, weight, b0, row0 + k, b1, row1 + k, b2, row2 + k);
        }
    }

    T depth(const SurfaceRun<T, G> &r, int i) const {
        return points.b0[i] * r.surface.depth[0] + points.b1[i] * r.surface.depth[1] +
               points.b2[i] * r.surface.depth[2];
    }

    // The pair's weight in units of its pixel's sum, and by how much the sum shrinks; false where nothing is added.
    bool soft_weight(int pixel, int i, double &weight, double &kept) {
        T probability = coverage.a[i], steps = points.steps[i];
        if (!(probability > limits<T>::tiny)) return false;
        settle(probability, steps);
        const T apart = steps - top[pixel];
        weight = double(probability) * double(points.mantissa[i]);
        kept = 1.0;
        if (apart == T(0)) return true;
        if (apart > T(0)) {
            kept = steps_down(apart);
            top[pixel] = steps;
            return true;
        }
        weight *= steps_down(-apart);
        return weight > 0.0;
    }
    static double steps_down(T apart) {
        double scale = apart >= T(most_steps_apart) ? 0.0 : one_step;
        for (int k = 1; k < int(apart) && scale > 0.0; ++k) scale *= one_step;
        return scale;
    }
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
        double *record = static_cast<double *>(malloc(band.pixels * stride * sizeof(double)));
        T *top = static_cast<T *>(malloc(band.pixels * sizeof(T)));
        T *scratch = static_cast<T *>(malloc(4 * stride * sizeof(T)));
        if (sum && record && top && scratch) self.draw(band, sum, record, top, scratch);
        else self.out_of_memory = true;
        free(scratch);
        free(top);
        free(record);
        free(sum);
    }

  private:
    math::Stepped<T> background() const {
        const double e = (settings.eps - 1.0) / math::max(settings.gamma, 1e-30);
        const math::Stepped<double> weight = stepped_exp(e);
        return {T(weight.mantissa), T(weight.steps)};
    }

    void draw(const Band &band, double *sum, double *record, T *top, T *scratch) {
        const math::Stepped<T> behind = background();
        const int stride = record_stride(settings);
        for (int64_t i = 0; i < band.pixels; ++i) {
            for (int k = 0; k < stride; ++k) record[i * stride + k] = 0.0;
            record[i * stride] = settings.is_hard ? 0.0 : double(behind.mantissa);
            record[i * stride + 1] = settings.is_hard ? double(limits<T>::huge) : 0.0;
            top[i] = settings.is_hard ? T(-1) : behind.steps;
        }
        const double tau = tensors.coverage.tau[band.image];
        plan.wants_double_distances(tau) ? walk<double>(band, tau, sum, record, top, scratch)
                                         : walk<T>(band, tau, sum, record, top, scratch);
        finish_records(band, behind, record, top);
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
                                      T(math::max(covers, -argument_bound)));
        walk_faces<G>(plan, tensors.coverage.face_vertices, tau, band.image, 0, s.face_count(band.image),
                      band.row_begin, band.row_end, visit);
        visit.flush();
        finish(plan, s.face_count(band.image), band.pixels, sum, coverage.alpha + band.first,
               coverage.state + band.first);
    }

    void finish_records(const Band &band, math::Stepped<T> behind, const double *record, const T *top) const {
        const int stride = record_stride(settings), channels = settings.channels();
        const int64_t first = band.image * plan.pixels() + band.first;
        for (int64_t i = 0; i < band.pixels; ++i) {
            const double *from = record + i * stride;
            T *to = tensors.blended + (first + i) * channels, *state = tensors.state + 2 * (first + i);
            const bool none = settings.is_hard && top[i] < T(0);
            const double inverse = settings.is_hard ? 1.0 : 1.0 / from[0];
            state[0] = top[i];
            state[1] = T(inverse);
            to[0] = settings.is_hard ? T(none) : share_of(T(1), behind.mantissa, behind.steps, state[0], state[1]);
            for (int k = 1; k < channels; ++k) to[k] = none ? T(0) : T(from[k] * inverse);
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
