# The module _kernels_cuda. The runtime is linked statically: without a driver it imports and says that there is no device.

# Machine code for every generation since Turing in what is distributed. An editable build takes what this machine has, or
# without a GPU the intermediate code, which compiles in a third of the time and which any driver translates.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  if(NOT SKBUILD_STATE STREQUAL "editable")
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120-real 120-virtual)
  elseif(EXISTS /dev/nvidia0)
    set(CMAKE_CUDA_ARCHITECTURES native)
  else()
    set(CMAKE_CUDA_ARCHITECTURES 75-virtual)
  endif()
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit REQUIRED)

add_library(kernels_cuda OBJECT
  kernels/cuda/blend_backward.cu
  kernels/cuda/blend_forward.cu
  kernels/cuda/coverage_backward.cu
  kernels/cuda/coverage_forward.cu
  kernels/cuda/finite.cu
  kernels/cuda/sort_network.cu)
target_include_directories(kernels_cuda PRIVATE kernels kernels/include)
set_target_properties(kernels_cuda PROPERTIES POSITION_INDEPENDENT_CODE ON CUDA_VISIBILITY_PRESET hidden)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
  target_compile_options(kernels_cuda PRIVATE --compress-mode=size)
endif()

pybind11_add_module(_kernels_cuda MODULE kernels/cuda/bindings.cpp kernels/cuda/sort_bindings.cpp)
target_include_directories(_kernels_cuda PRIVATE kernels kernels/include)
target_compile_options(_kernels_cuda PRIVATE -Wall -Wextra)
target_link_libraries(_kernels_cuda PRIVATE kernels_cuda CUDA::cudart_static)
install(TARGETS _kernels_cuda LIBRARY DESTINATION gendr)
