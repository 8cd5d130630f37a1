import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudyTheory

/// Audits of students against their teachers: of files from anywhere, and of the stored runs of a study.
public struct StudentAudits: Sendable {
  /// An audit, and the smaller student that it found.
  public struct Entry: Sendable {
    public var title: String
    public var record: AuditRecord
    /// nil where merging is not defined.
    public var merged: Network?
  }

  /// The widths of the bands; nil: of files the standard width, of runs that which they were measured with.
  public var bands: [BandWidth]?
  /// See ``AuditOptions/allowedChange``.
  public var allowedChange: Double?

  public init(bands: [BandWidth]? = nil, allowedChange: Double? = nil) {
    (self.bands, self.allowedChange) = (bands, allowedChange)
  }

  /// Audits a student from a file.
  ///
  /// - Throws: ``ExperimentError`` for files that cannot be read, and shapes that do not fit; it names the file.
  public func audit(
    teacherPath: String, studentPath: String, inputsPath: String, activation: Activation
  ) throws(ExperimentError) -> Entry {
    let networks = try FilePair(teacherPath: teacherPath, studentPath: studentPath, activation: activation)
    let inputs = try readSamples(inputsPath)
    return try entry(
      of: networks.student, learning: networks.teacher, over: inputs, standardBand: .standard, title: studentPath,
      names: (studentPath, teacherPath, inputsPath))
  }

  /// Audits the final student of a stored run, over the training inputs of its last epoch, as they were
  /// drawn: an audit augments them itself.
  public func audit(_ run: Run, in store: ResultsStore) throws(ExperimentError) -> Entry {
    let stored = try StoredStudent(run, in: store)
    let title = "\(store.study.label(of: run.setting)), seed \(run.seed)"
    return try entry(
      of: stored.student, learning: stored.teacher, over: stored.inputs, standardBand: stored.bandWidth, title: title,
      names: stored.names)
  }

  private func entry(
    of student: Student, learning teacher: Teacher, over inputs: Matrix, standardBand: BandWidth, title: String,
    names: (student: String, teacher: String, inputs: String)
  ) throws(ExperimentError) -> Entry {
    // What is said of the inputs alone names them.
    _ = try ExperimentError.catching(names.inputs) { () throws(ShapeError) in
      guard inputs.columnCount == teacher.network.inputCount else {
        throw ShapeError(
          "inputs have \(inputs.columnCount) features, but the network expects \(teacher.network.inputCount)")
      }
      return try diagnosis(of: inputs)
    }
    let split = SampleSplit(of: inputs.rowCount)
    let (audit, heldOutChange) = try ExperimentError.catching(names.student) { () throws(ShapeError) in
      let options = AuditOptions(bands: bands ?? [standardBand], allowedChange: allowedChange)
      var audit = try UnderstudyTheory.audit(of: student, learning: teacher, over: inputs, options: options)
      guard audit.merged != nil else { return (audit, nil as Double?) }
      let (fitted, heldOut) = (inputs.rows(split.fitted), inputs.rows(split.heldOut))
      let merged = try compacted(
        student, over: fitted, targets: try teacher.network.outputs(for: fitted), allowedChange: allowedChange)
      try audit.setMerged(merged, of: student, learning: teacher, over: inputs)
      guard heldOut.rowCount > 0 else { return (audit, nil) }
      let change = largestDifference(
        try merged.student.network.outputs(for: heldOut), try student.network.outputs(for: heldOut))
      return (audit, change)
    }
    var record = AuditRecord(
      audit, teacherName: names.teacher, studentName: names.student, inputsName: names.inputs)
    if let heldOutChange {
      (record.student.heldOutCount, record.student.heldOutOutputChange) = (split.heldOut.count, heldOutChange)
    }
    return Entry(title: title, record: record, merged: audit.merged?.student.network)
  }
}
