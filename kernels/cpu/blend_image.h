// What the faces of one image show.
#pragma once

#include "gendr/blend.h"
#include "gendr/texture.h"

namespace gendr {
inline namespace GENDR_ISA {

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

} // namespace GENDR_ISA
} // namespace gendr
