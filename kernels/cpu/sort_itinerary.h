// Which comparators the vectors of a matrix meet: the same for all samples, found once in a call.
#pragma once

#include "gendr/sort_network.h"
#include <cstdlib>
#include <cstring>

namespace gendr {
inline namespace GENDR_ISA {

// A network as the loops read it.
struct Comparators {
    const int32_t *pairs, *starts;
    int layers, count;

    int low(int c) const { return pairs[2 * c]; }
    int high(int c) const { return pairs[2 * c + 1]; }
};

// Comparators first, first + step, ... in the order in which a vector meets them.
struct Run {
    int32_t first, count;
};

// The way of one group of vectors: runs of neighbours, few, because what a vector can reach is connected.
struct Route {
    Run *runs = nullptr;
    int count = 0, room = 0;
    int visits = 0; // comparators of all runs
    int step = 1;

    Route() = default;
    Route(const Route &) = delete;
    ~Route() { free(runs); }

    void add(int first, int length) {
        if (count == room) {
            room = 2 * room + 16;
            runs = static_cast<Run *>(realloc(runs, sizeof(Run) * room));
            if (!runs) abort();
        }
        runs[count++] = {first, length};
        visits += length;
    }

    // Of vectors that are zero at first but on the `live` wires, forwards or backwards. Uses `live` up.
    void find(const Comparators &network, int wires, bool backwards, char *live) {
        step = backwards ? -1 : 1;
        int reached = 0;
        for (int i = 0; i < wires; ++i) reached += live[i];
        int begin = 0, length = 0; // of the run at hand, in steps
        for (int q = 0; q < network.count; ++q) {
            const int c = backwards ? network.count - 1 - q : q, low = network.low(c), high = network.high(c);
            if (live[low] | live[high]) {
                if (!length) begin = c;
                ++length;
                reached += 2 - live[low] - live[high];
                live[low] = live[high] = 1;
                if (reached < wires) continue;
                length += network.count - 1 - q; // all that is left
                break;
            }
            if (length) add(begin, length);
            length = 0;
        }
        if (length) add(begin, length);
    }
};

class Itinerary {
    const SortSettings &settings;
    const Comparators network;
    const int together; // vectors of a group

  public:
    const int groups;
    Route *const routes;

    Itinerary(const SortSettings &s, const Comparators &n, int vectors)
        : settings(s), network(n), together(vectors), groups((s.rows + vectors - 1) / vectors),
          routes(new Route[groups + 1]) {}
    ~Itinerary() { delete[] routes; }
    Itinerary(const Itinerary &) = delete;

    const Route &from(int vector) const { return routes[vector / together]; }

    void find(int group) {
        char *live = static_cast<char *>(malloc(settings.wires + 1));
        if (!live) abort();
        const int first = group * together, last = math::min(settings.rows, first + together);
        const bool given = settings.product == SortProduct::weights;
        memset(live, given ? 1 : 0, settings.wires);
        for (int v = first; !given && v < last; ++v) live[v] = 1;
        routes[group].find(network, settings.wires, settings.product != SortProduct::full, live);
        free(live);
    }
};

} // namespace GENDR_ISA
} // namespace gendr
