// swift-tools-version: 6.1
import PackageDescription

// Who may import whom is drawn in ARCHITECTURE.md and held by Tests/ArchitectureTests.
let package = Package(
  name: "understudy",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Understudy", targets: ["Understudy"]),
    .executable(name: "understudy", targets: ["UnderstudyCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
  ],
  targets: [
    .target(
      name: "CUnderstudyKernels",
      exclude: [
        "kernel_blocks.inc", "kernel_deep.inc", "kernel_gathered.inc", "kernel_gradients.inc", "kernel_maps.inc",
        "kernel_precisions.inc", "kernel_table.inc", "kernel_two_layer.inc",
      ]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev", "liblapacke-dev"])]),
    // oneDNN has no pkg-config file.
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    // C++ headers of the system (libboost-dev) behind functions of C.
    .target(name: "CBoost"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "UnderstudyNumerics", dependencies: ["CUnderstudyKernels", "COpenBLAS", "COneDNN", "CBoost", "CZlib"]),
    .target(name: "UnderstudySchema"),
    .target(name: "UnderstudyNetworks", dependencies: ["UnderstudySchema", "UnderstudyNumerics"]),
    .target(
      name: "UnderstudyTraining", dependencies: ["UnderstudyNetworks", "UnderstudySchema", "UnderstudyNumerics"]),
    .target(name: "UnderstudyTheory", dependencies: ["UnderstudyNetworks", "UnderstudyNumerics"]),
    .target(
      name: "UnderstudyReconstruction",
      dependencies: ["UnderstudyTraining", "UnderstudyTheory", "UnderstudyNetworks", "UnderstudyNumerics"]),
    .target(
      name: "UnderstudyRecords",
      dependencies: ["UnderstudySchema", .product(name: "GRDB", package: "GRDB.swift"), "Yams"]),
    .target(
      name: "UnderstudyExperiments",
      dependencies: [
        "UnderstudyReconstruction", "UnderstudyTraining", "UnderstudyTheory", "UnderstudyNetworks",
        "UnderstudyNumerics", "UnderstudySchema", "UnderstudyRecords",
      ],
      // The program carries its studies with it, in a folder for each reproduction. The folder at the top, where people look for
      // them, is a link to these.
      resources: [
        "two-layer/two-layer", "two-layer/two-dimensional", "theory/alignment-bound", "theory/unaligned-students",
        "theory/observers", "theory/strong-and-weak", "theory/augmentation", "theory/low-rank", "theory/connectivity",
        "theory/coverage-and-loss", "theory/dynamics", "deep/deep", "deep/depth", "deep/teacher-width",
        "deep/deep-bound", "deep/deep-connectivity", "layers/layer-factors", "layers/frozen-layers",
        "layers/unaligned-layers", "layers/deep-samples", "samples/sample-nodes", "samples/sample-precision",
        "samples/sample-observation", "samples/boundary-data", "activations/leaky-slope",
        "activations/batch-normalization", "images/images",
      ].map { .embedInCode("Studies/\($0).yaml") }
        + ["retrain", "retrain_flow"].map { .embedInCode("Folders/\($0).py") }),
    .target(
      name: "UnderstudyFigures",
      dependencies: ["UnderstudySchema", "UnderstudyRecords"],
      resources: ["report.css", "embed.js", "render.py"].map { .embedInCode("Resources/\($0)") }),
    .target(
      name: "UnderstudyBenchmarks",
      dependencies: [
        "UnderstudyExperiments", "UnderstudyReconstruction", "UnderstudyTraining", "UnderstudyTheory",
        "UnderstudyNetworks", "UnderstudyNumerics", "UnderstudySchema",
      ]),
    .target(
      name: "Understudy",
      dependencies: [
        "UnderstudyNumerics", "UnderstudySchema", "UnderstudyNetworks", "UnderstudyTraining", "UnderstudyTheory",
        "UnderstudyReconstruction", "UnderstudyRecords", "UnderstudyExperiments", "UnderstudyFigures",
      ]),
    .executableTarget(
      name: "UnderstudyCLI",
      dependencies: [
        "Understudy", "UnderstudyBenchmarks", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "NumericsTests", dependencies: ["UnderstudyNumerics", "CUnderstudyKernels"]),
    .testTarget(name: "NetworksTests", dependencies: ["UnderstudyNetworks"]),
    .testTarget(name: "TrainingTests", dependencies: ["UnderstudyTraining", "UnderstudyTheory"]),
    .testTarget(name: "TheoryTests", dependencies: ["UnderstudyTheory"]),
    .testTarget(name: "ReconstructionTests", dependencies: ["UnderstudyReconstruction", "UnderstudyBenchmarks"]),
    .testTarget(name: "RecordsTests", dependencies: ["UnderstudyRecords", "UnderstudySchema"]),
    .testTarget(name: "ExperimentsTests", dependencies: ["UnderstudyExperiments", "UnderstudyFigures"]),
    .testTarget(name: "FiguresTests", dependencies: ["UnderstudyFigures"]),
    .testTarget(name: "ArchitectureTests"),
  ],
  cLanguageStandard: .c11,
  cxxLanguageStandard: .cxx17
)
