import Testing

/// Who may import whom: the table of ARCHITECTURE.md, row for row.
struct ImportTable {
  /// Modules of the system and the toolchain, which every target may import.
  static let system: Set<String> = ["Foundation", "Dispatch", "Synchronization", "Glibc", "Musl", "Darwin"]
  /// The only target that calls C and handles unsafe pointers.
  static let unsafeTarget = "UnderstudyNumerics"
  /// Targets written in C.
  static let cTargets: Set<String> = ["CUnderstudyKernels", "COpenBLAS"]

  static let rows: [Row] = [
    Row("CUnderstudyKernels", []),
    Row("COpenBLAS", []),
    Row("UnderstudyNumerics", ["CUnderstudyKernels", "COpenBLAS"]),
    Row("UnderstudyNetworks", ["UnderstudyNumerics"]),
    Row("UnderstudyTraining", ["UnderstudyNetworks", "UnderstudyNumerics"]),
    Row("UnderstudyTheory", ["UnderstudyNetworks", "UnderstudyNumerics"]),
    Row("UnderstudyRecords", ["GRDB", "Yams"]),
    Row(
      "UnderstudyExperiments",
      ["UnderstudyTraining", "UnderstudyTheory", "UnderstudyNetworks", "UnderstudyNumerics", "UnderstudyRecords"]
    ),
    Row("UnderstudyFigures", ["UnderstudyRecords"]),
    Row("Understudy", everySwiftTarget),
    Row("UnderstudyCLI", everySwiftTarget.union(["Understudy", "ArgumentParser"])),
  ]

  static let everySwiftTarget: Set<String> = [
    "UnderstudyNumerics", "UnderstudyNetworks", "UnderstudyTraining", "UnderstudyTheory", "UnderstudyRecords",
    "UnderstudyExperiments", "UnderstudyFigures",
  ]

  struct Row: Sendable, Equatable, CustomTestStringConvertible {
    let target: String
    /// Beside `system`.
    let mayImport: Set<String>

    init(_ target: String, _ mayImport: Set<String>) {
      self.target = target
      self.mayImport = mayImport
    }

    var testDescription: String { target }
  }
}
