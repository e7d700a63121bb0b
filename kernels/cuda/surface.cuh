// What faces show, read on the device: surfaces set up once a face, corners' values, textures.
#pragma once

#include "blend.h"
#include "faces.cuh"
#include "gendr/surface.h"
#include "gendr/texture.h"

namespace gendr {
namespace cuda {

// The constants of blending that depend on gamma.
template <class T> struct BlendPlan {
    T near, per_depth;
    T behind_mantissa, behind_steps; // the background's weight
    double gamma;
};

// A call's settings and tensors, as its kernels read them. A number that is not finite is reported and counts as 0.
template <class T> struct BlendData {
    BlendSettings settings;
    SurfaceData<T> data;
    int *status;

    __device__ T sound(T x, Status code) const {
        if (is_finite(x)) return x;
        report(status, code);
        return T(0);
    }
    // Channel k of the attributes of a face's corner.
    __device__ T attribute(const CoverageSettings &s, int image, int face, int corner, int k) const {
        const int64_t at = (settings.shared_attributes ? 0 : first_face(s, image)) + face;
        return sound(data.attributes[(at * 3 + corner) * settings.attribute_channels + k], bad_attributes);
    }
    // Coordinate i of [3, 2].
    __device__ T uv(const CoverageSettings &s, int image, int face, int i) const {
        const int64_t at = (settings.shared_uvs ? 0 : first_face(s, image)) + face;
        return sound(data.uvs[at * 6 + i], bad_uvs);
    }
    __device__ int64_t map_of(const CoverageSettings &s, int image, int face) const {
        return data.map_of_face[(s.face_ranges ? first_face(s, image) : 0) + face];
    }
    // Whether what the face shows lies within the texels; otherwise reported.
    __device__ bool has_sound_map(const CoverageSettings &s, int image, int face) const {
        if (settings.texture_channels == 0) return true;
        const int64_t which = map_of(s, image, face), texels = settings.texels;
        if (which >= 0 && which < settings.maps) {
            const int64_t first = data.maps[3 * which], rows = data.maps[3 * which + 1],
                          cols = data.maps[3 * which + 2];
            const bool is_sane = first >= 0 && rows > 0 && cols > 0 && rows <= texels && cols <= texels;
            if (is_sane && first + rows * cols <= texels) return true;
        }
        report(status, bad_maps);
        return false;
    }
    __device__ TextureLookup lookup(const CoverageSettings &s, int image, int face, const SurfacePoint<T> &at) const {
        double u = 0.0, v = 0.0;
        for (int corner = 0; corner < 3; ++corner) {
            u += double(at.b[corner]) * double(uv(s, image, face, 2 * corner));
            v += double(at.b[corner]) * double(uv(s, image, face, 2 * corner + 1));
        }
        return TextureLookup(u, v, data.maps + 3 * map_of(s, image, face), static_cast<Wrap>(settings.wrap));
    }
    __device__ double texel(const TextureLookup &lookup, int i, int k) const {
        return double(sound(data.texels[lookup.texel[i] * settings.texture_channels + k], bad_texels));
    }
};

template <class T> BlendData<T> blend_data(const BlendSettings &settings, const BlendInputs &inputs) {
    return {settings,
            {static_cast<const T *>(inputs.attributes), static_cast<const T *>(inputs.uvs),
             static_cast<const T *>(inputs.texels), inputs.maps, inputs.map_of_face},
            inputs.coverage.status};
}

// One thread.
template <class T>
__global__ void plan_blend(CoverageSettings s, BlendSettings blend, const T *given, BlendPlan<T> *plan, int *status) {
    double gamma = double(*given);
    if (!(gamma >= 1e-30 / (1.0 + 1e-6) && gamma <= 1e30 * (1.0 + 1e-6))) {
        report(status, bad_gamma);
        gamma = 1e-3;
    }
    gamma = math::max(gamma, 1e-30);
    const math::Stepped<double> behind = stepped_exp((blend.eps - 1.0) / gamma);
    *plan = {T(s.near), T(exponent_per_depth(s.near, s.far, gamma)), T(behind.mantissa), T(behind.steps), gamma};
}

// A thread a face of the pass; of faces that take part, which those without a map within the texels do not.
template <class T>
__global__ void set_up_surfaces(CoverageSettings settings, const T *face_vertices, CallWorkspace<T> space, Pass pass,
                                BlendData<T> data, Surface<T> *surfaces) {
    const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at >= int64_t(settings.batch) * space.pass_faces || space.boxes[at].empty()) return;
    const int image = static_cast<int>(at / space.pass_faces), within = static_cast<int>(at % space.pass_faces);
    if (!data.has_sound_map(settings, image, pass.first + within)) {
        space.boxes[at] = {0, 0, 0, 0, 0, 0};
        return;
    }
    const T *v = face_vertices + (first_face(settings, image) + pass.first + within) * 9;
    const bool is_perspective = data.settings.is_perspective;
    surfaces[at] = Surface<T>::of(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], is_perspective);
}

// Distances of a pixel to the lines of a face's edges.
template <class G> struct Normals {
    G n0, n1, n2;

    __device__ Normals(const Triangle<G> &t, const PixelBox &box, int row, int col) {
        const G c = G(col - box.anchor_col), r = G(row - box.anchor_row);
        n0 = t.edge[0].normal_at(c, r);
        n1 = t.edge[1].normal_at(c, r);
        n2 = t.edge[2].normal_at(c, r);
    }
};

} // namespace cuda
} // namespace gendr
