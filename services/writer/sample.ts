import { isSampled } from "@plumbline/stats";

/**
 * Chooses which conversations are judged: a hash of the conversation decides, so a replay chooses the same ones, no
 * replica has to ask another, and a raised rate keeps everything already judged.
 *
 * @param rate probability in [0,1] with which a conversation is judged
 * @param epoch part of the salt; a new one draws a new sample
 */
export function createSampler({ rate, epoch }: { readonly rate: number; readonly epoch: string }) {
  return (
    useCase: string,
    conversationId: string,
  ): { readonly is_sampled: boolean; readonly sample_rate: number } => ({
    is_sampled: isSampled(`${useCase}/${epoch}/`, conversationId, rate),
    sample_rate: rate,
  });
}
